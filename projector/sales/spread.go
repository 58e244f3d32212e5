package sales

import (
	"cmp"
	"fmt"
	"math/bits"
	"slices"
)

// spreadRefund takes a refund from the sections of its reservation: from those of the tickets that it was for, as far as they are not refunded
// yet, and else in proportion to what of each is not. What rounding down leaves over goes, a minor unit each, to the largest fractions, among equal
// ones to the first section. A refund that was sent back is given to the sections in the same way, by what of each is refunded.
func (c *changes) spreadRefund(s *saleReservation, refund Refund) error {
	sections, err := s.decodeSections()
	if err != nil {
		return err
	}
	if refund.Dispute != "" {
		return c.spreadLoss(s, sections, refund)
	}
	sign := int64(1)
	if refund.Amount < 0 {
		sign = -1
	}
	room := make([]int64, len(sections))
	for i, section := range sections {
		room[i] = section.Gross - section.Refunded
		if sign < 0 {
			room[i] = section.Refunded
		}
	}
	left, moved := sign*refund.Amount, make([]int64, len(sections))
	for i, section := range sections {
		moved[i] = min(refund.Parts[section.Name], room[i], left)
		room[i] -= moved[i]
		left -= moved[i]
	}
	shares, err := splitAmount(left, room)
	if err != nil {
		return err
	}
	for i, share := range shares {
		moved[i] = sign * (moved[i] + share)
		sections[i].Refunded += moved[i]
		addAmount(&c.sumFor(s, sections[i].Name, refund.At).refunded, moved[i])
	}
	return nil
}

// spreadLoss takes what a lost dispute has cost from the sections of its reservation, in proportion to their prices. Before it is lost, it has
// cost nothing.
func (c *changes) spreadLoss(s *saleReservation, sections []Section, dispute Refund) error {
	if !dispute.Lost {
		return nil
	}
	prices, whole := make([]int64, len(sections)), int64(0)
	for i, section := range sections {
		prices[i] = section.Gross
		whole += section.Gross
	}
	shares, err := splitAmount(min(dispute.Amount, whole), prices)
	if err != nil {
		return err
	}
	for i, share := range shares {
		addAmount(&c.sumFor(s, sections[i].Name, dispute.At).lost, share)
	}
	return nil
}

// splitAmount splits an amount by weights, by largest remainder. No share is larger than its weight.
func splitAmount(amount int64, weights []int64) ([]int64, error) {
	whole := uint64(0)
	for _, w := range weights {
		whole += uint64(w) //nolint:gosec // prices and what is left of them are not negative
	}
	if amount < 0 || uint64(amount) > whole {
		return nil, fmt.Errorf("%d is refunded of %d", amount, whole)
	}
	shares, rests := make([]int64, len(weights)), make([]uint64, len(weights))
	if amount == 0 {
		return shares, nil
	}
	left := amount
	order := make([]int, len(weights))
	for i, w := range weights {
		high, low := bits.Mul64(uint64(amount), uint64(w))    //nolint:gosec // as above
		share, rest := bits.Div64(high, low, whole)           // fits: amount is not above whole
		shares[i], rests[i], order[i] = int64(share), rest, i //nolint:gosec // not above w
		left -= shares[i]
	}
	slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(rests[j], rests[i]) })
	for _, i := range order[:left] {
		shares[i]++
	}
	return shares, nil
}
