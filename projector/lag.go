package projector

// Categories answers which categories of streams each projection follows, by the projection's name: what query.Projections needs in
// order to tell how far they are.
func Categories() map[string][]string {
	categories := make(map[string][]string, len(projections))
	for name, p := range projections {
		categories[name] = p.Categories()
	}
	return categories
}
