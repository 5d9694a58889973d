// Addresses for Services, as the service controller of Kubernetes' own library for clouds asks for them. It looks after
// finalizers, events, retries and status; what is a cloud elsewhere is here the allocator.
package main

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"time"

	core "k8s.io/api/core/v1"
	cloudprovider "k8s.io/cloud-provider"
	cloudapi "k8s.io/cloud-provider/api"
)

// How soon a Service that found no address asks again.
const patience = 5 * time.Second

type cloud struct {
	cloudprovider.Interface
	addresses *allocator
	// The name by which our writes are known.
	writer string
}

func (c *cloud) ProviderName() string { return "kind-rs" }

func (c *cloud) LoadBalancer() (cloudprovider.LoadBalancer, bool) { return c, true }

func (c *cloud) GetLoadBalancerName(_ context.Context, _ string, service *core.Service) string {
	return key(service)
}

func (c *cloud) GetLoadBalancer(_ context.Context, _ string, service *core.Service) (*core.LoadBalancerStatus, bool, error) {
	return service.Status.LoadBalancer.DeepCopy(), c.addresses.knows(key(service)), nil
}

func (c *cloud) EnsureLoadBalancer(_ context.Context, _ string, service *core.Service, _ []*core.Node) (*core.LoadBalancerStatus, error) {
	if !c.isOurs(service) {
		return nil, cloudprovider.ImplementedElsewhere
	}
	wish := wish{service: key(service), has: addressesOf(service)}
	for _, family := range service.Spec.IPFamilies {
		wish.families = append(wish.families, family == core.IPv6Protocol)
	}
	if named := service.Spec.LoadBalancerIP; named != "" {
		address, err := netip.ParseAddr(named)
		if err != nil {
			return nil, err
		}
		wish.named = address
	}
	chosen, err := c.addresses.ensure(wish)
	if errors.Is(err, errExhausted) {
		return nil, cloudapi.NewRetryError(err.Error(), patience)
	}
	if err != nil {
		return nil, err
	}
	// kube-proxy translates packets to the address; nothing in front of it has done so.
	mode := core.LoadBalancerIPModeVIP
	status := &core.LoadBalancerStatus{}
	for _, address := range chosen {
		status.Ingress = append(status.Ingress, core.LoadBalancerIngress{IP: address.String(), IPMode: &mode})
	}
	return status, nil
}

// Which nodes there are is of no consequence for an address.
func (c *cloud) UpdateLoadBalancer(context.Context, string, *core.Service, []*core.Node) error {
	return nil
}

func (c *cloud) EnsureLoadBalancerDeleted(_ context.Context, _ string, service *core.Service) error {
	c.addresses.release(key(service))
	return nil
}

// Whether no other controller has written the Service's status: one that a user brings is not fought with.
func (c *cloud) isOurs(service *core.Service) bool {
	if len(service.Status.LoadBalancer.Ingress) == 0 {
		return true
	}
	for _, written := range service.ManagedFields {
		if written.Manager == c.writer && written.FieldsV1 != nil && strings.Contains(string(written.FieldsV1.Raw), `"f:loadBalancer"`) {
			return true
		}
	}
	return false
}

func key(service *core.Service) string { return service.Namespace + "/" + service.Name }

// Whether the Service wants an address, and from us.
func isWanted(service *core.Service) bool {
	return service.Spec.Type == core.ServiceTypeLoadBalancer && service.Spec.LoadBalancerClass == nil && service.DeletionTimestamp == nil
}

func addressesOf(service *core.Service) []netip.Addr {
	var found []netip.Addr
	for _, ingress := range service.Status.LoadBalancer.Ingress {
		if address, err := netip.ParseAddr(ingress.IP); err == nil {
			found = append(found, address)
		}
	}
	return found
}
