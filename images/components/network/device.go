// The node's interface: the engine's networks on it, addresses of Services, and what neighbours are told. No cluster is known here.
package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// The metric of our addresses, by which they are known from all others: the one mark that both families have. "LB" in ASCII.
const mark = 0x4c42

type device struct{ *net.Interface }

func findDevice(name string) (*device, error) {
	found, err := net.InterfaceByName(name)
	if err != nil {
		return nil, fmt.Errorf("find the interface of the engine's network, %s: %w", name, err)
	}
	return &device{found}, nil
}

// What Services can have, by whether it is IPv6.
type networks struct {
	pools map[bool]pool
	// What the network itself uses.
	reserved []netip.Addr
}

// The engine's networks: those that the ways to the outside are in. Nodes have addresses of the cluster's own, too.
func (d *device) networks() (networks, error) {
	found := networks{pools: map[bool]pool{}}
	link := &netlink.Device{LinkAttrs: netlink.LinkAttrs{Name: d.Name, Index: d.Index}}
	for _, family := range []int{netlink.FAMILY_V4, netlink.FAMILY_V6} {
		routes, err := netlink.RouteList(link, family)
		if err != nil {
			return found, fmt.Errorf("list routes of %s: %w", d.Name, err)
		}
		addresses, err := netlink.AddrList(link, family)
		if err != nil {
			return found, fmt.Errorf("list addresses of %s: %w", d.Name, err)
		}
		for _, route := range routes {
			if route.Dst != nil && !route.Dst.IP.IsUnspecified() || route.Gw == nil || route.Gw.IsLinkLocalUnicast() {
				continue
			}
			for _, address := range addresses {
				length, width := address.Mask.Size()
				if !address.Contains(route.Gw) || length == width {
					continue
				}
				own, gateway := plain(address.IP), plain(route.Gw)
				half, err := upperHalf(netip.PrefixFrom(own, length))
				if err != nil {
					return found, err
				}
				found.pools[own.Is6()] = half
				found.reserved = append(found.reserved, own, gateway)
			}
		}
	}
	return found, nil
}

func plain(address net.IP) netip.Addr {
	parsed, _ := netip.AddrFromSlice(address)
	return parsed.Unmap()
}

// The addresses of Services that the interface has.
func (d *device) ours() (map[netip.Addr]bool, error) {
	request := nl.NewNetlinkRequest(unix.RTM_GETADDR, unix.NLM_F_DUMP)
	request.AddData(nl.NewIfInfomsg(unix.AF_UNSPEC))
	messages, err := request.Execute(unix.NETLINK_ROUTE, unix.RTM_NEWADDR)
	if err != nil {
		return nil, fmt.Errorf("list addresses of %s: %w", d.Name, err)
	}
	found := map[netip.Addr]bool{}
	for _, message := range messages {
		header := nl.DeserializeIfAddrmsg(message)
		attributes, err := nl.ParseRouteAttr(message[header.Len():])
		if err != nil {
			return nil, fmt.Errorf("read addresses of %s: %w", d.Name, err)
		}
		var address netip.Addr
		isOurs := false
		for _, attribute := range attributes {
			switch attribute.Attr.Type {
			case unix.IFA_ADDRESS:
				address, _ = netip.AddrFromSlice(attribute.Value)
			case unix.IFA_RT_PRIORITY:
				isOurs = binary.NativeEndian.Uint32(attribute.Value) == mark
			}
		}
		if isOurs && int(header.Index) == d.Index && address.IsValid() {
			found[address] = true
		}
	}
	return found, nil
}

func (d *device) add(address netip.Addr) error {
	request := nl.NewNetlinkRequest(unix.RTM_NEWADDR, unix.NLM_F_CREATE|unix.NLM_F_EXCL|unix.NLM_F_ACK)
	d.describe(request, address)
	priority := binary.NativeEndian.AppendUint32(nil, mark)
	request.AddData(nl.NewRtAttr(unix.IFA_RT_PRIORITY, priority))
	if address.Is6() {
		// Nobody else has it; and what the node itself sends must not come from it, which the kernel avoids for those that
		// it is not to prefer any more.
		request.AddData(nl.NewRtAttr(unix.IFA_FLAGS, binary.NativeEndian.AppendUint32(nil, unix.IFA_F_NODAD)))
		forever := nl.IfaCacheInfo{IfaCacheinfo: unix.IfaCacheinfo{Prefered: 0, Valid: 0xffffffff}}
		request.AddData(nl.NewRtAttr(unix.IFA_CACHEINFO, forever.Serialize()))
	}
	if _, err := request.Execute(unix.NETLINK_ROUTE, 0); err != nil {
		return fmt.Errorf("add %s to %s: %w", address, d.Name, err)
	}
	return nil
}

func (d *device) remove(address netip.Addr) error {
	request := nl.NewNetlinkRequest(unix.RTM_DELADDR, unix.NLM_F_ACK)
	d.describe(request, address)
	// It may be gone: the engine takes an interface's addresses away with the interface.
	if _, err := request.Execute(unix.NETLINK_ROUTE, 0); err != nil && !errors.Is(err, unix.EADDRNOTAVAIL) {
		return fmt.Errorf("remove %s from %s: %w", address, d.Name, err)
	}
	return nil
}

func (d *device) describe(request *nl.NetlinkRequest, address netip.Addr) {
	family := unix.AF_INET
	if address.Is6() {
		family = unix.AF_INET6
	}
	header := nl.NewIfAddrmsg(family)
	header.Index, header.Prefixlen, header.Scope = uint32(d.Index), uint8(address.BitLen()), unix.RT_SCOPE_UNIVERSE
	request.AddData(header)
	request.AddData(nl.NewRtAttr(unix.IFA_LOCAL, address.AsSlice()))
	request.AddData(nl.NewRtAttr(unix.IFA_ADDRESS, address.AsSlice()))
}

// Tells everybody in the network that the address is here: whoever knows of another place forgets that.
func (d *device) announce(address netip.Addr) error {
	if address.Is6() {
		return d.advertise(address)
	}
	socket, err := unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("open a socket for ARP: %w", err)
	}
	defer unix.Close(socket)
	everybody := [8]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}
	to := &unix.SockaddrLinklayer{Protocol: swapped(unix.ETH_P_ARP), Ifindex: d.Index, Halen: 6, Addr: everybody}
	// Some heed requests and others answers.
	for _, operation := range []byte{1, 2} {
		packet := []byte{0, 1, 8, 0, 6, 4, 0, operation}
		packet = append(packet, d.HardwareAddr...)
		packet = append(packet, address.AsSlice()...)
		packet = append(packet, everybody[:6]...)
		packet = append(packet, address.AsSlice()...)
		if err := unix.Sendto(socket, packet, 0, to); err != nil {
			return fmt.Errorf("tell of %s by ARP: %w", address, err)
		}
	}
	return nil
}

// Big endian, as the kernel wants it in a number of ours.
func swapped(protocol uint16) uint16 {
	return binary.NativeEndian.Uint16(binary.BigEndian.AppendUint16(nil, protocol))
}

// A neighbour advertisement that nobody asked for (RFC 4861, 7.2.6).
func (d *device) advertise(address netip.Addr) error {
	socket, err := unix.Socket(unix.AF_INET6, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_ICMPV6)
	if err != nil {
		return fmt.Errorf("open a socket for neighbour advertisements: %w", err)
	}
	defer unix.Close(socket)
	const override, linkLayerAddress = 0x20, 2
	packet := []byte{136, 0, 0, 0, override, 0, 0, 0}
	packet = append(packet, address.AsSlice()...)
	packet = append(packet, linkLayerAddress, 1)
	packet = append(packet, d.HardwareAddr...)
	everybody := netip.MustParseAddr("ff02::1")
	err = errors.Join(
		unix.SetsockoptInt(socket, unix.IPPROTO_IPV6, unix.IPV6_MULTICAST_HOPS, 255),
		unix.Bind(socket, &unix.SockaddrInet6{Addr: address.As16()}),
		unix.Sendto(socket, packet, 0, &unix.SockaddrInet6{Addr: everybody.As16(), ZoneId: uint32(d.Index)}),
	)
	if err != nil {
		return fmt.Errorf("tell of %s by a neighbour advertisement: %w", address, err)
	}
	return nil
}
