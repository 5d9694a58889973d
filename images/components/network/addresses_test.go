package main

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
)

func addresses(texts ...string) []netip.Addr {
	var parsed []netip.Addr
	for _, text := range texts {
		parsed = append(parsed, netip.MustParseAddr(text))
	}
	return parsed
}

func of(t *testing.T, networks ...string) *allocator {
	pools := map[bool]pool{}
	for _, network := range networks {
		prefix := netip.MustParsePrefix(network)
		half, err := upperHalf(prefix)
		if err != nil {
			t.Fatal(err)
		}
		pools[prefix.Addr().Is6()] = half
	}
	return newAllocator(pools, addresses("198.18.4.61"))
}

func expect(t *testing.T, a *allocator, wish wish, expected ...string) {
	t.Helper()
	got, err := a.ensure(wish)
	if err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(got) != fmt.Sprint(addresses(expected...)) {
		t.Fatalf("got %v, expected %v", got, expected)
	}
}

func refuse(t *testing.T, a *allocator, wish wish, words string) error {
	t.Helper()
	got, err := a.ensure(wish)
	if err == nil || !strings.Contains(err.Error(), words) {
		t.Fatalf("got %v and %v, expected an error with %q", got, err, words)
	}
	return err
}

var v4 = []bool{false}

func TestServicesHaveTheUpperHalf(t *testing.T) {
	for network, expected := range map[string]string{
		"198.18.4.2/26": "198.18.4.32 to 198.18.4.62",
		"172.17.3.4/16": "172.17.128.0 to 172.17.255.254",
		"10.0.0.1/30":   "10.0.0.2 to 10.0.0.2",
		"fd12:3::5/64":  "fd12:3:0:0:8000:: to fd12:3::ffff:ffff:ffff:ff7f",
	} {
		half, err := upperHalf(netip.MustParsePrefix(network))
		if err != nil || half.String() != expected {
			t.Errorf("%s: got %s and %v, expected %s", network, half, err, expected)
		}
	}
	if _, err := upperHalf(netip.MustParsePrefix("10.0.0.1/31")); err == nil {
		t.Error("a network of two addresses has no half to give")
	}
}

func TestAddressesAreDistinctAndCanBeGivenAgain(t *testing.T) {
	a := of(t, "198.18.4.2/26")
	expect(t, a, wish{service: "a", families: v4}, "198.18.4.62")
	// One is the gateway's.
	expect(t, a, wish{service: "b", families: v4}, "198.18.4.60")
	expect(t, a, wish{service: "a", families: v4}, "198.18.4.62")
	a.release("a")
	if a.knows("a") || !a.knows("b") {
		t.Fatal("only one Service was released")
	}
	expect(t, a, wish{service: "c", families: v4}, "198.18.4.62")
}

func TestEveryFamilyHasAnAddressInTheServicesOrder(t *testing.T) {
	a := of(t, "198.18.4.2/26", "fd12:3::5/64")
	expect(t, a, wish{service: "a", families: []bool{true, false}}, "fd12:3::ffff:ffff:ffff:ff7f", "198.18.4.62")
	// As it loses one, the other stays, and the lost one is free.
	expect(t, a, wish{service: "a", families: []bool{true}, has: addresses("fd12:3::ffff:ffff:ffff:ff7f", "198.18.4.62")}, "fd12:3::ffff:ffff:ffff:ff7f")
	expect(t, a, wish{service: "b", families: v4}, "198.18.4.62")
	refuse(t, of(t, "198.18.4.2/26"), wish{service: "a", families: []bool{true}}, "has no IPv6")
}

func TestANamedAddressIsHonouredInsideTheRange(t *testing.T) {
	a := of(t, "198.18.4.2/26")
	named := func(service, address string) wish {
		return wish{service: service, families: v4, named: netip.MustParseAddr(address)}
	}
	expect(t, a, wish{service: "a", families: v4}, "198.18.4.62")
	expect(t, a, named("a", "198.18.4.40"), "198.18.4.40")
	expect(t, a, wish{service: "b", families: v4}, "198.18.4.62")
	refuse(t, a, named("b", "198.18.4.40"), "belongs to Service a")
	refuse(t, a, named("b", "198.18.4.5"), "expected one of 198.18.4.32 to 198.18.4.62")
	refuse(t, a, named("b", "198.18.4.61"), "expected one of")
	refuse(t, a, named("b", "fd00::1"), "of a family that the Service does not have")
	// What was refused has taken nothing away.
	if a.owners[netip.MustParseAddr("198.18.4.62")] != "b" {
		t.Fatal("b has lost its address")
	}
}

func TestARangeThatIsExhaustedIsAnErrorUntilOneIsFreed(t *testing.T) {
	a := of(t, "10.0.0.1/29")
	for index := range 3 {
		expect(t, a, wish{service: fmt.Sprint(index), families: v4}, fmt.Sprintf("10.0.0.%d", 6-index))
	}
	if err := refuse(t, a, wish{service: "late", families: v4}, "10.0.0.4 to 10.0.0.6"); !errors.Is(err, errExhausted) {
		t.Fatalf("%v is not known as exhaustion", err)
	}
	a.release("1")
	expect(t, a, wish{service: "late", families: v4}, "10.0.0.5")
}

// The Services of a clone have the addresses of its origin, whose network is another.
func TestAClonesServicesGetAddressesOfItsOwnNetwork(t *testing.T) {
	a := of(t, "198.18.9.2/26")
	before := addresses("198.18.4.62")
	a.adopt("a", before)
	if a.knows("a") {
		t.Fatal("an address of another network was adopted")
	}
	expect(t, a, wish{service: "a", families: v4, has: before}, "198.18.9.62")
	// Also one that named it.
	expect(t, a, wish{service: "b", families: v4, has: before, named: before[0]}, "198.18.9.61")
}

func TestWhatServicesHaveStaysTheirsWhenAnotherNodeTakesOver(t *testing.T) {
	a := of(t, "198.18.4.2/26")
	a.adopt("old", addresses("198.18.4.62"))
	a.adopt("second", addresses("198.18.4.62", "198.18.4.50"))
	expect(t, a, wish{service: "new", families: v4}, "198.18.4.60")
	expect(t, a, wish{service: "old", families: v4, has: addresses("198.18.4.62")}, "198.18.4.62")
	expect(t, a, wish{service: "second", families: v4, has: addresses("198.18.4.62", "198.18.4.50")}, "198.18.4.50")
}
