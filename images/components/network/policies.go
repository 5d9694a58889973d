// What enforces network policies on a node: kube-network-policies' controller, which judges the first packet of each connection
// that the kernel queues for it.
//
// Its own program knows one way to queue packets, an expression of nf_tables that some kernels are built without. There the
// older target of the same name does it, by the rules below.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/klog/v2"
	"sigs.k8s.io/kube-network-policies/pkg/networkpolicy"
)

const (
	queue = 98
	chain = "KIND-RS-POLICIES"
)

func enforcePolicies(context context.Context, client kubernetes.Interface, node string) error {
	known := informers.NewSharedInformerFactory(client, 0)
	controller, err := networkpolicy.NewController(
		client,
		known.Networking().V1().NetworkPolicies(),
		known.Core().V1().Namespaces(),
		known.Core().V1().Pods(),
		nil, nil, nil, nil,
		networkpolicy.Config{
			NodeName: node,
			QueueID:  queue,
			// Of kernels before 6.12: questions to DNS that race with each other.
			NetfilterBug1766Fix: true,
			// containerd's plugins for it are switched off.
			NRIdisabled: true,
		},
	)
	if err != nil {
		return fmt.Errorf("start the controller: %w", err)
	}
	known.Start(context.Done())
	if !hasQueueExpression() {
		klog.InfoS("The kernel has no nf_tables expression for queues: the target NFQUEUE is used. What the controller says of its own rules is of no consequence")
		defer dequeue()
		go func() {
			if err := enqueueWhenHeard(context); err != nil {
				klog.ErrorS(err, "network policies are not enforced on this node")
				os.Exit(1)
			}
		}()
	}
	return controller.Run(context)
}

// Waits until the controller listens: what is queued for nobody is dropped.
func enqueueWhenHeard(context context.Context) error {
	look := time.NewTicker(50 * time.Millisecond)
	defer look.Stop()
	for {
		queues, err := os.ReadFile("/proc/net/netfilter/nfnetlink_queue")
		if err != nil {
			return fmt.Errorf("look for queues: %w", err)
		}
		for line := range strings.Lines(string(queues)) {
			if fields := strings.Fields(line); len(fields) > 0 && fields[0] == strconv.Itoa(queue) {
				return enqueue()
			}
		}
		select {
		case <-context.Done():
			return nil
		case <-look.C:
		}
	}
}

// Whether the kernel takes a rule that queues packets. The chain has no hook: no packet sees it.
func hasQueueExpression() bool {
	connection, err := nftables.New()
	if err != nil {
		return false
	}
	table := connection.AddTable(&nftables.Table{Family: nftables.TableFamilyINet, Name: "kind-rs-look"})
	look := connection.AddChain(&nftables.Chain{Name: "look", Table: table})
	connection.AddRule(&nftables.Rule{Table: table, Chain: look, Exprs: []expr.Any{&expr.Queue{Num: queue}}})
	taken := connection.Flush() == nil
	if taken {
		connection.DelTable(table)
		taken = connection.Flush() == nil
	}
	return taken
}

// Queues the first packet of every connection, after its destination was translated and before its source is. What the node's
// own root sends is left alone: probes, and answers of the API server. So is what IPv6 needs to find neighbours.
func enqueue() error {
	for program, icmp := range map[string]string{"iptables": "", "ip6tables": "ipv6-icmp"} {
		rules := [][]string{
			{"-o", "lo", "-j", "RETURN"},
			{"-m", "owner", "--uid-owner", "0", "-j", "RETURN"},
			{"-m", "conntrack", "--ctstate", "ESTABLISHED,RELATED", "-j", "RETURN"},
			{"-j", "NFQUEUE", "--queue-num", strconv.Itoa(queue)},
		}
		if icmp != "" {
			rules = append([][]string{{"-p", icmp, "-j", "RETURN"}}, rules...)
		}
		// It is there after a start that was killed.
		_ = filter(program, "-N", chain)
		if err := filter(program, "-F", chain); err != nil {
			return err
		}
		for _, rule := range rules {
			if err := filter(program, append([]string{"-A", chain}, rule...)...); err != nil {
				return err
			}
		}
		if filter(program, "-C", "POSTROUTING", "-j", chain) != nil {
			if err := filter(program, "-A", "POSTROUTING", "-j", chain); err != nil {
				return err
			}
		}
	}
	return nil
}

func dequeue() {
	for _, program := range []string{"iptables", "ip6tables"} {
		err := errors.Join(
			filter(program, "-D", "POSTROUTING", "-j", chain), filter(program, "-F", chain), filter(program, "-X", chain))
		if err != nil {
			klog.ErrorS(err, "rules are left")
		}
	}
}

func filter(program string, arguments ...string) error {
	said, err := exec.Command(program, append([]string{"-w", "-t", "mangle"}, arguments...)...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s %v: %w: %s", program, arguments, err, said)
	}
	return nil
}
