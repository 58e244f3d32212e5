package inventory

import (
	"math"
	"slices"
	"strconv"

	"ticketing/command/rejection"
	"ticketing/internal/text"
)

// Layout is where a row is in its section, seen from above. The unit of X and Y is the distance from one seat of a row to the next. All
// rows of a section have one, or none.
type Layout struct {
	X        float64 `json:"x"`        // of the first seat, to the right
	Y        float64 `json:"y"`        // of the first seat, from the front to the back
	Rotation float64 `json:"rotation"` // degrees by which the row is turned about its first seat, clockwise; at 0 it goes to the right
}

// checkLayout checks the layout of the row at this index of a request.
func (r Row) checkLayout(at string) error {
	if r.Layout == nil {
		return nil
	}
	for _, n := range []struct {
		field string
		value float64
		most  int
	}{{"x", r.Layout.X, MostCoordinate}, {"y", r.Layout.Y, MostCoordinate}, {"rotation", r.Layout.Rotation, MostRotation}} {
		if math.Abs(n.value) > float64(n.most) || math.Round(n.value*100)/100 != n.value { // it is not NaN either
			return rejection.New(rejection.Invalid, "%s must be between -%d and %d, with at most 2 decimals", n.field, n.most, n.most).
				At("rows", at, "layout", n.field)
		}
	}
	return nil
}

// checkLayouts checks that all rows of the section have a layout, or none. The error names the row that lacks one, if it is in the request.
func (s *Section) checkLayouts(typed []Row) error {
	i := slices.IndexFunc(s.Rows, func(r SeatRow) bool { return r.Layout == nil })
	if i < 0 || !slices.ContainsFunc(s.Rows, func(r SeatRow) bool { return r.Layout != nil }) {
		return nil
	}
	path, folded := []string{"rows"}, text.Fold(s.Rows[i].Name)
	if at := slices.IndexFunc(typed, func(r Row) bool { return text.Fold(r.Name) == folded }); at >= 0 {
		path = append(path, strconv.Itoa(at), "layout")
	}
	return rejection.New(rejection.Invalid, "row %q has no layout: all rows of a section have one, or none", s.Rows[i].Name).At(path...)
}
