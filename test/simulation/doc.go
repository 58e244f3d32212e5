// Package simulation runs the core in one process, on a simulated PostgreSQL, broker and clock, and decides by a seed what happens at each
// await: which session goes on, whether a statement or its reply is lost, which process dies, freezes or is replaced, whether the log is
// restored. The code under test is the product's, without a change: its connections lead to the simulation. (docs/reliability.md, "Simulation")
package simulation
