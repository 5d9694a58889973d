package main

import (
	"fmt"
	"testing"
)

func three() []node {
	return []node{{name: "a", ready: true}, {name: "b", ready: true}, {name: "c", ready: true}}
}

func TestServicesAreSpreadOverNodesInWhateverOrder(t *testing.T) {
	nodes, turned := three(), three()
	turned[0], turned[2] = turned[2], turned[0]
	count := map[string]int{}
	for index := range 300 {
		service := fmt.Sprintf("default/web-%d", index)
		chosen := announcer(service, nodes, false, nil)
		if chosen != announcer(service, turned, false, nil) {
			t.Fatalf("%s: the order of nodes matters", service)
		}
		count[chosen]++
	}
	for _, node := range nodes {
		if count[node.name] < 60 {
			t.Errorf("node %s has only %d of 300 Services", node.name, count[node.name])
		}
	}
}

func TestANodeThatIsLostMovesItsServicesAndNoOthers(t *testing.T) {
	nodes, without := three(), three()
	without[1].ready = false
	for index := range 100 {
		service := fmt.Sprintf("default/web-%d", index)
		before, after := announcer(service, nodes, false, nil), announcer(service, without, false, nil)
		if after == "b" || before != "b" && before != after {
			t.Fatalf("%s: from %s to %s", service, before, after)
		}
	}
}

func TestALocalServiceIsAnsweredForWhereItHasAnEndpoint(t *testing.T) {
	for index := range 20 {
		service := fmt.Sprintf("default/web-%d", index)
		if chosen := announcer(service, three(), true, map[string]bool{"c": true}); chosen != "c" {
			t.Fatalf("got %q", chosen)
		}
	}
	if chosen := announcer("default/web", three(), true, nil); chosen != "" {
		t.Fatalf("%s has no endpoint", chosen)
	}
}

func TestAnExcludedNodeIsBetterThanNone(t *testing.T) {
	nodes := three()
	nodes[0].excluded, nodes[2].excluded = true, true
	if chosen := announcer("default/web", nodes, false, nil); chosen != "b" {
		t.Fatalf("got %q", chosen)
	}
	nodes[1].ready = false
	if chosen := announcer("default/web", nodes, false, nil); chosen != "a" && chosen != "c" {
		t.Fatalf("got %q", chosen)
	}
}
