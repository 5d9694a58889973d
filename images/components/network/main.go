// What a cluster's network has beyond its routes, as one program, since both parts are mostly the same libraries: what enforces
// network policies, and what gives addresses to Services of type LoadBalancer. Each runs on every node, from when it is needed.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"
)

// Each on the node of the name.
var parts = map[string]func(context.Context, kubernetes.Interface, string) error{
	"policies":       enforcePolicies,
	"load-balancers": balance,
}

func main() {
	context, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if len(os.Args) != 2 || parts[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: network policies|load-balancers")
		os.Exit(2)
	}
	part := os.Args[1]
	client, err := connect(part)
	if err == nil {
		err = parts[part](context, client, os.Getenv("NODE_NAME"))
	}
	if err != nil {
		klog.ErrorS(err, "This node's part of the network has ended", "part", part)
		os.Exit(1)
	}
}

// What the API server knows the parts by, also as the writer of what they write.
func agent(part string) string { return "kind-rs-" + part }

func connect(part string) (kubernetes.Interface, error) {
	config, err := rest.InClusterConfig()
	if err != nil {
		return nil, fmt.Errorf("find the API server: %w", err)
	}
	config.ContentType = "application/vnd.kubernetes.protobuf"
	config.UserAgent = agent(part)
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("make a client: %w", err)
	}
	return client, nil
}
