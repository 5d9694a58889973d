// Which Service has which address. No cluster and no kernel is known here, and nothing but Go's own library, so that its test
// needs no module.
package main

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
)

// The addresses of one family that Services can have.
type pool struct{ first, last netip.Addr }

// The upper half of a network, without the address that means all of it. The engine gives addresses to containers from below,
// where it is told so or chose the network itself.
func upperHalf(network netip.Prefix) (pool, error) {
	addresses := network.Addr().BitLen()
	if addresses-network.Bits() < 2 {
		return pool{}, fmt.Errorf("the engine's network %s has no room for Services: one of at least four addresses was expected", network)
	}
	first, last := network.Masked().Addr().AsSlice(), network.Masked().Addr().AsSlice()
	bit := network.Bits()
	first[bit/8] |= 0x80 >> (bit % 8)
	for ; bit < addresses; bit++ {
		last[bit/8] |= 0x80 >> (bit % 8)
	}
	// The highest ones have meanings of their own: broadcasts, and anycast of RFC 2526.
	if network.Addr().Is4() {
		last[3]--
	} else if addresses-network.Bits() > 8 {
		last[15] -= 0x80
	}
	from, _ := netip.AddrFromSlice(first)
	to, _ := netip.AddrFromSlice(last)
	return pool{from, to}, nil
}

func (p pool) contains(address netip.Addr) bool {
	return address.BitLen() == p.first.BitLen() && address.Compare(p.first) >= 0 && address.Compare(p.last) <= 0
}

func (p pool) String() string { return fmt.Sprintf("%s to %s", p.first, p.last) }

// What a Service asks for.
type wish struct {
	service string
	// The families, in the order of the answer: whether each is IPv6.
	families []bool
	// The address that it names; none mostly.
	named netip.Addr
	// The addresses that its status has.
	has []netip.Addr
}

// Every address of the pools is taken. Another try may find one that has been freed.
var errExhausted = errors.New("every address belongs to a Service already")

type allocator struct {
	lock sync.Mutex
	// By whether they are IPv6's.
	pools map[bool]pool
	// Of nobody's: what the node's own network uses.
	reserved map[netip.Addr]bool
	owners   map[netip.Addr]string
}

func newAllocator(pools map[bool]pool, reserved []netip.Addr) *allocator {
	made := &allocator{pools: pools, reserved: map[netip.Addr]bool{}, owners: map[netip.Addr]string{}}
	for _, address := range reserved {
		made.reserved[address] = true
	}
	return made
}

// Notes what a Service has been given before. What is of another network is no address of this one: a cluster that was cloned has
// Services with addresses of its origin.
func (a *allocator) adopt(service string, has []netip.Addr) {
	a.lock.Lock()
	defer a.lock.Unlock()
	for _, address := range has {
		if a.isFree(address) {
			a.owners[address] = service
		}
	}
}

// The addresses of a Service: those that it has as far as they still fit, and new ones. All or none.
func (a *allocator) ensure(wish wish) ([]netip.Addr, error) {
	a.lock.Lock()
	defer a.lock.Unlock()
	if slices.Contains(wish.has, wish.named) && !a.pools[wish.named.Is6()].contains(wish.named) {
		// It was given by us in another network, that of a clone's origin.
		wish.named = netip.Addr{}
	}
	var chosen []netip.Addr
	for _, ipv6 := range wish.families {
		address, err := a.choose(wish, ipv6)
		if err != nil {
			return nil, err
		}
		chosen = append(chosen, address)
	}
	if wish.named.IsValid() && !slices.Contains(chosen, wish.named) {
		return nil, fmt.Errorf("spec.loadBalancerIP %s is of a family that the Service does not have: set spec.ipFamilies, too, or name another address", wish.named)
	}
	a.forget(wish.service)
	for _, address := range chosen {
		a.owners[address] = wish.service
	}
	return chosen, nil
}

func (a *allocator) release(service string) {
	a.lock.Lock()
	defer a.lock.Unlock()
	a.forget(service)
}

// Whether the Service has addresses here.
func (a *allocator) knows(service string) bool {
	a.lock.Lock()
	defer a.lock.Unlock()
	for _, owner := range a.owners {
		if owner == service {
			return true
		}
	}
	return false
}

func (a *allocator) choose(wish wish, ipv6 bool) (netip.Addr, error) {
	pool, there := a.pools[ipv6]
	if !there {
		return netip.Addr{}, fmt.Errorf("the engine's network of this cluster has no %s: remove it from the Service's spec.ipFamilies", family(ipv6))
	}
	if wish.named.IsValid() && wish.named.Is6() == ipv6 {
		switch owner := a.owners[wish.named]; {
		case !pool.contains(wish.named) || a.reserved[wish.named]:
			return netip.Addr{}, fmt.Errorf("spec.loadBalancerIP %s is none of the addresses that Services of this cluster can have: expected one of %s", wish.named, pool)
		case owner != "" && owner != wish.service:
			return netip.Addr{}, fmt.Errorf("spec.loadBalancerIP %s belongs to Service %s: name another one of %s", wish.named, owner, pool)
		}
		return wish.named, nil
	}
	for _, address := range wish.has {
		if pool.contains(address) && (a.isFree(address) || a.owners[address] == wish.service) {
			return address, nil
		}
	}
	// What was given and has not arrived in the status yet.
	for address, owner := range a.owners {
		if owner == wish.service && pool.contains(address) {
			return address, nil
		}
	}
	for address := pool.last; pool.contains(address); address = address.Prev() {
		if a.isFree(address) {
			return address, nil
		}
	}
	return netip.Addr{}, fmt.Errorf("no address is left of %s: delete a Service of type LoadBalancer: %w", pool, errExhausted)
}

func (a *allocator) isFree(address netip.Addr) bool {
	return a.pools[address.Is6()].contains(address) && !a.reserved[address] && a.owners[address] == ""
}

func (a *allocator) forget(service string) {
	for address, owner := range a.owners {
		if owner == service {
			delete(a.owners, address)
		}
	}
}

func family(ipv6 bool) string {
	if ipv6 {
		return "IPv6"
	}
	return "IPv4"
}
