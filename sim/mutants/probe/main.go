// Command probe is the program that is built with each mutant: it plays one layer of the
// simulation and writes the evidence of a failure. It is small, because it is built for
// every mutant. Begin with probe.
//
//	probe LAYER SEED RUNS FOLDER
package main

import (
	"context"
	"fmt"
	"os"
	"strconv"

	"lockd/sim/campaign"
)

func main() {
	if err := probe(os.Args[1:]); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

func probe(args []string) error {
	if len(args) != 4 {
		return fmt.Errorf("want LAYER SEED RUNS FOLDER, got %q", args)
	}
	seed, err := strconv.ParseUint(args[1], 10, 64)
	if err != nil {
		return err
	}
	runs, err := strconv.ParseInt(args[2], 10, 64)
	if err != nil {
		return err
	}
	for _, layer := range campaign.Layers() {
		if layer.Name != args[0] {
			continue
		}
		report, err := campaign.Run(context.Background(), layer, campaign.Config{Seed: seed, Runs: runs, Workers: 1})
		if err != nil || report.Failure == nil {
			return err
		}
		report.Failure.Write = nil // the cause is enough, no picture is needed
		_, _, err = campaign.WriteEvidence(args[3], report)
		if err == nil {
			err = report.Failure
		}
		return err
	}
	return fmt.Errorf("there is no layer %q", args[0])
}
