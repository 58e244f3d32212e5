package inventory

import "slices"

// without returns the items that are left when part is taken away, and whether all of part was among them.
func without(items, part []Item) (left []Item, ok bool) {
	left = slices.Clone(items)
	for _, p := range part {
		i := indexItem(left, p.Section)
		if i < 0 || left[i].Quantity < p.Quantity || p.Quantity < 1 || len(left[i].Labels) > 0 && len(p.Labels) != p.Quantity {
			return nil, false
		}
		item := left[i]
		item.Labels = slices.Clone(item.Labels)
		for _, label := range p.Labels {
			at := slices.Index(item.Labels, label)
			if at < 0 {
				return nil, false
			}
			item.Labels = slices.Delete(item.Labels, at, at+1)
		}
		item.Quantity -= p.Quantity
		left[i] = item
	}
	return slices.DeleteFunc(left, func(item Item) bool { return item.Quantity == 0 }), true
}

// with returns the items and part together.
func with(items, part []Item) []Item {
	all := slices.Clone(items)
	for _, p := range part {
		i := indexItem(all, p.Section)
		if i < 0 {
			all = append(all, p)
			continue
		}
		all[i].Quantity += p.Quantity
		all[i].Labels = slices.Concat(all[i].Labels, p.Labels)
	}
	return all
}

func indexItem(items []Item, section string) int {
	return slices.IndexFunc(items, func(item Item) bool { return item.Section == section })
}
