// Which addresses of Services this node has: those that the choice gives to it, from what the API server says, and no others.
package main

import (
	"context"
	"errors"
	"net/netip"
	"time"

	core "k8s.io/api/core/v1"
	discovery "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/informers"
	corelisters "k8s.io/client-go/listers/core/v1"
	discoverylisters "k8s.io/client-go/listers/discovery/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"
)

const (
	// How long until an attempt that failed is made again, and until it is looked whether all is as it should be.
	retry, look = time.Second, 30 * time.Second
)

// When neighbours are told that an address is here: a kernel that has just learned another place ignores a second one for a
// second.
var tellings = []time.Duration{0, 1100 * time.Millisecond, 3 * time.Second}

type announcements struct {
	self      string
	device    *device
	services  corelisters.ServiceLister
	nodes     corelisters.NodeLister
	endpoints discoverylisters.EndpointSliceLister
	synced    []cache.InformerSynced
	changed   chan struct{}
	// What ends the telling of an address, while it is here.
	told map[netip.Addr]context.CancelFunc
}

func newAnnouncements(self string, device *device, known informers.SharedInformerFactory) *announcements {
	services, nodes, endpoints := known.Core().V1().Services(), known.Core().V1().Nodes(), known.Discovery().V1().EndpointSlices()
	made := &announcements{
		self:      self,
		device:    device,
		services:  services.Lister(),
		nodes:     nodes.Lister(),
		endpoints: endpoints.Lister(),
		changed:   make(chan struct{}, 1),
		told:      map[netip.Addr]context.CancelFunc{},
	}
	handler := cache.ResourceEventHandlerFuncs{
		AddFunc:    func(any) { made.notice() },
		UpdateFunc: func(any, any) { made.notice() },
		DeleteFunc: func(any) { made.notice() },
	}
	for _, informer := range []cache.SharedIndexInformer{services.Informer(), nodes.Informer(), endpoints.Informer()} {
		// It fails for informers that have been stopped.
		if _, err := informer.AddEventHandler(handler); err != nil {
			klog.ErrorS(err, "Changes are not heard of")
		}
		made.synced = append(made.synced, informer.HasSynced)
	}
	return made
}

func (a *announcements) notice() {
	select {
	case a.changed <- struct{}{}:
	default:
	}
}

func (a *announcements) run(context context.Context) error {
	if !cache.WaitForCacheSync(context.Done(), a.synced...) {
		return context.Err()
	}
	for {
		again := look
		if err := a.apply(context); err != nil {
			klog.ErrorS(err, "This node's addresses of Services are not all as they should be")
			again = retry
		}
		select {
		case <-context.Done():
			return context.Err()
		case <-a.changed:
		case <-time.After(again):
		}
	}
}

// Gives the node what it lacks and takes away what it should not have, also what an earlier start left.
func (a *announcements) apply(context context.Context) error {
	wanted, err := a.wanted()
	if err != nil {
		return err
	}
	present, err := a.device.ours()
	if err != nil {
		return err
	}
	var errs []error
	for address := range present {
		if !wanted[address] {
			errs = append(errs, a.remove(address))
		}
	}
	for address := range wanted {
		if !present[address] {
			errs = append(errs, a.device.add(address))
		}
		if a.told[address] == nil {
			klog.InfoS("This node answers for an address", "address", address)
			a.tell(context, address)
		}
	}
	return errors.Join(errs...)
}

// Every address that this node should have.
func (a *announcements) wanted() (map[netip.Addr]bool, error) {
	networks, err := a.device.networks()
	if err != nil {
		return nil, err
	}
	services, err := a.services.List(labels.Everything())
	if err != nil {
		return nil, err
	}
	all, err := a.nodes.List(labels.Everything())
	if err != nil {
		return nil, err
	}
	var nodes []node
	for _, one := range all {
		_, excluded := one.Labels[core.LabelNodeExcludeBalancers]
		nodes = append(nodes, node{one.Name, isReady(one), excluded})
	}
	wanted := map[netip.Addr]bool{}
	for _, service := range services {
		if !isWanted(service) {
			continue
		}
		local := service.Spec.ExternalTrafficPolicy == core.ServiceExternalTrafficPolicyLocal
		var endpoints map[string]bool
		if local {
			if endpoints, err = a.withEndpoints(service); err != nil {
				return nil, err
			}
		}
		if announcer(key(service), nodes, local, endpoints) != a.self {
			continue
		}
		for _, address := range addressesOf(service) {
			// Another's are another controller's, or of the network that a clone's origin has.
			if networks.pools[address.Is6()].contains(address) {
				wanted[address] = true
			}
		}
	}
	return wanted, nil
}

// The nodes with an endpoint that takes connections.
func (a *announcements) withEndpoints(service *core.Service) (map[string]bool, error) {
	ofService := labels.SelectorFromSet(labels.Set{discovery.LabelServiceName: service.Name})
	slices, err := a.endpoints.EndpointSlices(service.Namespace).List(ofService)
	if err != nil {
		return nil, err
	}
	nodes := map[string]bool{}
	for _, slice := range slices {
		for _, endpoint := range slice.Endpoints {
			if ready := endpoint.Conditions.Ready; endpoint.NodeName != nil && (ready == nil || *ready) {
				nodes[*endpoint.NodeName] = true
			}
		}
	}
	return nodes, nil
}

// Tells neighbours at once, and again.
func (a *announcements) tell(parent context.Context, address netip.Addr) {
	telling, stop := context.WithCancel(parent)
	a.told[address] = stop
	go func() {
		begin := time.Now()
		for _, after := range tellings {
			select {
			case <-telling.Done():
				return
			case <-time.After(after - time.Since(begin)):
			}
			if err := a.device.announce(address); err != nil {
				klog.ErrorS(err, "Neighbours are not told of an address", "address", address)
			}
		}
	}()
}

func (a *announcements) remove(address netip.Addr) error {
	if stop := a.told[address]; stop != nil {
		stop()
		delete(a.told, address)
	}
	klog.InfoS("This node does not answer for an address any more", "address", address)
	return a.device.remove(address)
}

// Takes everything away: nobody looks after it any more.
func (a *announcements) withdraw() error {
	present, err := a.device.ours()
	if err != nil {
		return err
	}
	var errs []error
	for address := range present {
		errs = append(errs, a.device.remove(address))
	}
	return errors.Join(errs...)
}

func isReady(node *core.Node) bool {
	for _, condition := range node.Status.Conditions {
		if condition.Type == core.NodeReady {
			return condition.Status == core.ConditionTrue
		}
	}
	return false
}
