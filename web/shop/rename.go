package shop

import (
	"net/http"
	"strings"
)

// renameTicket gives the name of the person that a ticket is for: POST /orders/{id}/rename.
func (s *Shop) renameTicket(v *visit) {
	var data struct {
		RenameTicket struct{ UserErrors []userError }
	}
	input := vars{"ticketId": v.r.PostForm.Get("ticket"), "holderName": strings.TrimSpace(v.r.PostForm.Get("holder"))}
	if err := v.execute("order", "Rename", vars{"input": input}, &data); err != nil {
		v.failWith(err)
		return
	}
	if wrong := data.RenameTicket.UserErrors; len(wrong) > 0 {
		v.showOrderWith(http.StatusUnprocessableEntity, orderView{Problem: v.explain(wrong[0])})
		return
	}
	v.redirectToOrder()
}
