// The registry of the distribution project with its file system driver alone. The others talk to clouds' stores, which a
// cluster's own registry has no use for, and are most of the program.
package main

import (
	"os"

	"github.com/distribution/distribution/v3/registry"

	_ "github.com/distribution/distribution/v3/registry/storage/driver/filesystem"
)

func main() {
	if err := registry.RootCmd.Execute(); err != nil {
		os.Exit(1)
	}
}
