// What Services of type LoadBalancer need, on one node: the one control plane that leads gives addresses; every node answers for
// the addresses that are its own by the choice.
package main

import (
	"context"
	"fmt"
	"time"

	core "k8s.io/api/core/v1"
	discovery "k8s.io/api/discovery/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
	"k8s.io/cloud-provider/controllers/service"
	controllers "k8s.io/component-base/metrics/prometheus/controllers"
	"k8s.io/klog/v2"
)

const (
	controlPlane = "node-role.kubernetes.io/control-plane"
	// How many Services get their addresses at once.
	workers = 4
)

func balance(context context.Context, client kubernetes.Interface, name string) error {
	device, err := findDevice("eth0")
	if err != nil {
		return err
	}
	self, err := client.CoreV1().Nodes().Get(context, name, meta.GetOptions{})
	if err != nil {
		return fmt.Errorf("look up node %q: %w", name, err)
	}
	known := informers.NewSharedInformerFactory(client, 0)
	if err := known.Core().V1().Nodes().Informer().SetTransform(slimNode); err != nil {
		return err
	}
	if err := known.Discovery().V1().EndpointSlices().Informer().SetTransform(slimEndpoints); err != nil {
		return err
	}
	announcements := newAnnouncements(name, device, known)
	failed := make(chan error, 2)
	if _, ok := self.Labels[controlPlane]; ok {
		networks, err := device.networks()
		if err != nil {
			return err
		}
		addresses := newAllocator(networks.pools, networks.reserved)
		cloud := &cloud{addresses: addresses, writer: agent("load-balancers")}
		controller, err := service.New(
			cloud, client, known.Core().V1().Services(), known.Core().V1().Nodes(), "kind-rs", nil)
		if err != nil {
			return fmt.Errorf("start the service controller: %w", err)
		}
		go func() { failed <- lead(context, client, name, known, addresses, controller) }()
	}
	known.Start(context.Done())
	go func() { failed <- announcements.run(context) }()
	select {
	case err := <-failed:
		if context.Err() == nil {
			return err
		}
	case <-context.Done():
	}
	return announcements.withdraw()
}

// Gives addresses for as long as this node leads. A program that has lost the lead is started again.
func lead(
	context context.Context, client kubernetes.Interface, name string, known informers.SharedInformerFactory,
	addresses *allocator, controller *service.Controller,
) error {
	leader, err := leaderelection.NewLeaderElector(leaderelection.LeaderElectionConfig{
		Lock: &resourcelock.LeaseLock{
			LeaseMeta: meta.ObjectMeta{Namespace: "kube-system", Name: agent("load-balancers")},
			Client:    client.CoordinationV1(),
			// There is one such pod on a node at a time: the next one need not wait for the end of the last one's lease.
			LockConfig: resourcelock.ResourceLockConfig{Identity: name},
		},
		LeaseDuration:   15 * time.Second,
		RenewDeadline:   10 * time.Second,
		RetryPeriod:     2 * time.Second,
		ReleaseOnCancel: true,
		Name:            agent("load-balancers"),
		Callbacks: leaderelection.LeaderCallbacks{
			OnStartedLeading: func(leading ctx) {
				services := known.Core().V1().Services()
				if !cache.WaitForCacheSync(leading.Done(), services.Informer().HasSynced) {
					return
				}
				all, err := services.Lister().List(labels.Everything())
				if err != nil {
					klog.ErrorS(err, "The Services that have addresses are not known")
					return
				}
				for _, service := range all {
					if isWanted(service) {
						addresses.adopt(key(service), addressesOf(service))
					}
				}
				controller.Run(leading, workers, controllers.NewControllerManagerMetrics("kind-rs"))
			},
			OnStoppedLeading: func() {},
		},
	})
	if err != nil {
		return fmt.Errorf("stand for election: %w", err)
	}
	leader.Run(context)
	return fmt.Errorf("the lease %s is another node's now", agent("load-balancers"))
}

// Contexts, where a variable has the package's name.
type ctx = context.Context

// What is read of a node. A control plane that takes ordinary pods is no worse than another node for outside traffic, though
// kubeadm marks it as excluded.
func slimNode(object any) (any, error) {
	node, ok := object.(*core.Node)
	if !ok {
		return object, nil
	}
	slim := &core.Node{ObjectMeta: node.ObjectMeta}
	slim.ManagedFields, slim.Annotations = nil, nil
	slim.Spec.Taints, slim.Spec.ProviderID = node.Spec.Taints, node.Spec.ProviderID
	slim.Status.Conditions = node.Status.Conditions
	if _, ok := node.Labels[controlPlane]; ok && !isReserved(node) {
		slim.Labels = map[string]string{}
		for name, value := range node.Labels {
			if name != core.LabelNodeExcludeBalancers {
				slim.Labels[name] = value
			}
		}
	}
	return slim, nil
}

func isReserved(node *core.Node) bool {
	for _, taint := range node.Spec.Taints {
		if taint.Key == controlPlane {
			return true
		}
	}
	return false
}

func slimEndpoints(object any) (any, error) {
	slice, ok := object.(*discovery.EndpointSlice)
	if !ok {
		return object, nil
	}
	slim := &discovery.EndpointSlice{ObjectMeta: slice.ObjectMeta}
	slim.ManagedFields, slim.Annotations = nil, nil
	for _, endpoint := range slice.Endpoints {
		slim.Endpoints = append(slim.Endpoints, discovery.Endpoint{NodeName: endpoint.NodeName, Conditions: endpoint.Conditions})
	}
	return slim, nil
}
