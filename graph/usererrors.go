package graph

import (
	"ticketing/command/rejection"
	"ticketing/graph/model"
)

// userErrors answers what a payload tells the customer about err, or err itself when it is not the customer's to mend.
func userErrors(err error) ([]*model.UserError, error) {
	rejected, ok := rejection.As(err)
	if !ok || rejected.Code == rejection.Forbidden {
		return nil, err
	}
	return []*model.UserError{userError(rejected)}, nil
}

func userError(rejected *rejection.Error) *model.UserError {
	return &model.UserError{Code: string(rejected.Code), Message: rejected.Message, Field: rejected.Field}
}
