package example

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
)

const limit = time.Minute

var _ = Describe("ConfigMaps", func() {
	It("come back as they were written", func(ctx SpecContext) {
		maps := client.CoreV1().ConfigMaps(namespace(ctx))
		written := &core.ConfigMap{ObjectMeta: meta.ObjectMeta{Name: "written"}, Data: map[string]string{"a": "b"}}
		_, err := maps.Create(ctx, written, meta.CreateOptions{})
		Expect(err).NotTo(HaveOccurred())
		read, err := maps.Get(ctx, "written", meta.GetOptions{})
		Expect(err).NotTo(HaveOccurred())
		Expect(read.Data).To(Equal(written.Data))
	}, SpecTimeout(limit))

	When("somebody watches", func() {
		It("tell of their end", func(ctx SpecContext) {
			maps := client.CoreV1().ConfigMaps(namespace(ctx))
			short := &core.ConfigMap{ObjectMeta: meta.ObjectMeta{Name: "short"}}
			made, err := maps.Create(ctx, short, meta.CreateOptions{})
			Expect(err).NotTo(HaveOccurred())
			// Only this one: every namespace also gets a ConfigMap from the cluster itself, whenever that is.
			events, err := maps.Watch(ctx, meta.ListOptions{
				ResourceVersion: made.ResourceVersion,
				FieldSelector:   fields.OneTermEqualSelector(meta.ObjectNameField, "short").String(),
			})
			Expect(err).NotTo(HaveOccurred())
			DeferCleanup(events.Stop)
			Expect(maps.Delete(ctx, "short", meta.DeleteOptions{})).To(Succeed())
			var event watch.Event
			Eventually(ctx, events.ResultChan()).Should(Receive(&event))
			Expect(event.Type).To(Equal(watch.Deleted))
		}, SpecTimeout(limit))
	})
})

// Nobody else's pods would find a place meanwhile. The label says it to kind-rs, the decorator to ginkgo.
var _ = Describe("Pods", Serial, Label("Serial"), func() {
	It("wait while no node takes any", func(ctx SpecContext) {
		nodes, err := client.CoreV1().Nodes().List(ctx, meta.ListOptions{})
		Expect(err).NotTo(HaveOccurred())
		for _, node := range nodes.Items {
			if node.Spec.Unschedulable {
				continue
			}
			// Cleaned up whatever happens, so that the next spec finds the nodes as they were.
			DeferCleanup(func(ctx SpecContext) { cordon(ctx, node.Name, "false") })
			cordon(ctx, node.Name, "true")
		}
		pods := client.CoreV1().Pods(namespace(ctx))
		Eventually(ctx, func(g Gomega) {
			pod, err := pods.Get(ctx, "waits", meta.GetOptions{})
			if errors.IsNotFound(err) {
				pod, err = pods.Create(ctx, &core.Pod{
					ObjectMeta: meta.ObjectMeta{Name: "waits"},
					Spec:       core.PodSpec{Containers: []core.Container{{Name: "pause", Image: "registry.k8s.io/pause:3.10.2"}}},
				}, meta.CreateOptions{})
			}
			g.Expect(err).NotTo(HaveOccurred())
			if pod.Spec.NodeName != "" {
				// The scheduler had not heard of the last cordon yet: it watches nodes and pods apart. The next one waits.
				g.Expect(pods.Delete(ctx, "waits", *meta.NewDeleteOptions(0))).To(Succeed())
			}
			g.Expect(pod.Spec.NodeName).To(BeEmpty())
			g.Expect(pod.Status.Conditions).To(ContainElement(And(
				HaveField("Type", core.PodScheduled),
				HaveField("Reason", core.PodReasonUnschedulable),
			)))
		}).Should(Succeed())
	}, SpecTimeout(limit))
})

func cordon(ctx SpecContext, node, value string) {
	GinkgoHelper()
	patch := []byte(`{"spec":{"unschedulable":` + value + `}}`)
	_, err := client.CoreV1().Nodes().Patch(ctx, node, types.StrategicMergePatchType, patch, meta.PatchOptions{})
	Expect(err).NotTo(HaveOccurred())
}
