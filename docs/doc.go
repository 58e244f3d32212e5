// Package docs holds tests that keep the documents in this folder true.
package docs
