// Command kube is every Kubernetes control plane component that the cluster tests need, in one binary.
// The first argument names the component; the rest are its flags.
package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"go.etcd.io/etcd/server/v3/etcdmain"
	"k8s.io/component-base/cli"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	manager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
)

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: kube etcd|kube-apiserver|kube-controller-manager [flags]")
		os.Exit(2)
	}
	// Every component reads its flags from os.Args and takes the first one for its own name.
	os.Args = os.Args[1:]
	var command *cobra.Command
	switch os.Args[0] {
	case "etcd":
		etcdmain.Main(os.Args)
		return
	case "kube-apiserver":
		command = apiserver.NewAPIServerCommand()
	case "kube-controller-manager":
		command = manager.NewControllerManagerCommand()
	default:
		fmt.Fprintf(os.Stderr, "kube has no component %q\n", os.Args[0])
		os.Exit(2)
	}
	os.Exit(cli.Run(command))
}
