// Package example is an ordinary ginkgo suite, as an operator's authors write one. It knows nothing of kind-rs: its
// cluster is the one that KUBECONFIG names.
package example

import (
	"os"
	"testing"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

var client *kubernetes.Clientset

func TestExample(t *testing.T) {
	RegisterFailHandler(Fail)
	RunSpecs(t, "example")
}

var _ = BeforeSuite(func() {
	config, err := clientcmd.BuildConfigFromFlags("", os.Getenv("KUBECONFIG"))
	Expect(err).NotTo(HaveOccurred())
	client, err = kubernetes.NewForConfig(config)
	Expect(err).NotTo(HaveOccurred())
})

// namespace makes one for the spec. It goes with a spec that passed; that of a failed one is for whoever looks at it.
func namespace(ctx SpecContext) string {
	GinkgoHelper()
	wanted := &core.Namespace{ObjectMeta: meta.ObjectMeta{GenerateName: "example-"}}
	made, err := client.CoreV1().Namespaces().Create(ctx, wanted, meta.CreateOptions{})
	Expect(err).NotTo(HaveOccurred())
	// The entry tells kind-rs where to look after a failure.
	AddReportEntry("namespace", made.Name)
	DeferCleanup(func(ctx SpecContext) {
		if !CurrentSpecReport().Failed() {
			Expect(client.CoreV1().Namespaces().Delete(ctx, made.Name, meta.DeleteOptions{})).To(Succeed())
		}
	})
	return made.Name
}
