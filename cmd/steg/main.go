// Command steg is a bridge for Jitsi Meet: it takes the place of the Jitsi
// Videobridge and reads the same jvb.conf.
//
//	steg run [--config FILE]   run in the foreground until SIGTERM
//	steg version               print the version
//
// It logs warnings and errors to standard error. Exit codes: 0 after SIGTERM,
// SIGINT or a finished graceful shutdown, 78 for a configuration it cannot run
// with (a supervisor need not try again), 1 for everything else.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
)

// version is set at build time.
var version = "dev"

const usage = `Steg, a bridge for Jitsi Meet

  steg run [--config FILE]   run until SIGTERM; without --config the file is
                             looked for where Debian and docker put it
  steg version               print the version
`

// Exit codes (sysexits.h for the configuration).
const (
	exitOK     = 0
	exitError  = 1
	exitUsage  = 2
	exitConfig = 78
)

func main() { os.Exit(command(os.Args[1:], os.Stdout, os.Stderr)) }

func command(args []string, stdout, stderr io.Writer) int {
	if len(args) == 0 {
		fmt.Fprint(stderr, usage)
		return exitUsage
	}
	switch args[0] {
	case "run":
		return runCommand(args[1:], stderr)
	case "version", "--version", "-version":
		fmt.Fprintln(stdout, "steg", version)
		return exitOK
	case "help", "--help", "-h":
		fmt.Fprint(stdout, usage)
		return exitOK
	}
	fmt.Fprintf(stderr, "steg: unknown command %q\n\n%s", args[0], usage)
	return exitUsage
}

func runCommand(args []string, stderr io.Writer) int {
	flags := flag.NewFlagSet("steg run", flag.ContinueOnError)
	flags.SetOutput(stderr)
	file := flags.String("config", "", "`FILE` to read in place of the installed jvb.conf")
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return exitOK
	case err != nil:
		return exitUsage
	case flags.NArg() > 0:
		fmt.Fprintf(stderr, "steg run: unexpected argument %q\n", flags.Arg(0))
		return exitUsage
	}
	return run(*file, stderr)
}
