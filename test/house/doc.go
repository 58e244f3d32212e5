// Package house holds rules of the code base that a tool can check: its words, the sizes of its functions and files, and how functions are
// named. CONTRIBUTING.md lists the rules for readers.
package house
