// Which node answers for a Service's addresses. Every node computes it for itself, from the same facts, so nobody has to agree.
// Nothing but Go's own library is used here, as in addresses.go.
package main

import (
	"bytes"
	"crypto/sha256"
)

type node struct {
	name  string
	ready bool
	// Whether it is marked as one that outside traffic should not come to.
	excluded bool
}

// The node that answers for a Service; none where no node can. With `local` it is one that has an endpoint.
//
// It is the one with the highest digest of both names: a node that comes or goes moves no Service but its own.
func announcer(service string, nodes []node, local bool, endpoints map[string]bool) string {
	chosen, highest, reluctant := "", []byte(nil), false
	for _, node := range nodes {
		if !node.ready || local && !endpoints[node.name] {
			continue
		}
		digest := sha256.Sum256([]byte(node.name + "\x00" + service))
		// A node that is excluded is better than none.
		better := chosen == "" || reluctant && !node.excluded
		if better || reluctant == node.excluded && bytes.Compare(digest[:], highest) > 0 {
			chosen, highest, reluctant = node.name, digest[:], node.excluded
		}
	}
	return chosen
}
