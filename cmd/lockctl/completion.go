package main

import (
	"context"
	"flag"
	"fmt"
	"strings"

	"github.com/peterbourgon/ff/v3/ffcli"
)

// completionCommand prints scripts that complete the commands and flags of root.
func completionCommand(root *ffcli.Command) *ffcli.Command {
	return &ffcli.Command{
		Name:       "completion",
		ShortUsage: "lockctl completion bash|zsh|fish",
		ShortHelp:  "print a script that lets a shell complete lockctl's commands and flags",
		LongHelp: `  bash  put  source <(lockctl completion bash)  into ~/.bashrc
  zsh   put  source <(lockctl completion zsh)   into ~/.zshrc, behind compinit
  fish  lockctl completion fish > ~/.config/fish/completions/lockctl.fish`,
		FlagSet: flag.NewFlagSet("lockctl completion", flag.ContinueOnError),
		Exec: func(_ context.Context, args []string) error {
			scripts := map[string]func(*ffcli.Command) string{"bash": bash, "zsh": zsh, "fish": fish}
			if len(args) != 1 || scripts[args[0]] == nil {
				return usageError("which shell? write lockctl completion bash, zsh or fish")
			}
			_, err := fmt.Print(scripts[args[0]](root))
			return err
		},
	}
}

// flagsOf returns the flags of a command, and what they are for.
func flagsOf(c *ffcli.Command) (names, usages []string) {
	c.FlagSet.VisitAll(func(f *flag.Flag) {
		_, usage := flag.UnquoteUsage(f)
		names, usages = append(names, "-"+f.Name), append(usages, usage)
	})
	return names, usages
}

// bash completes the command, then its flags, then, behind --, any command.
func bash(root *ffcli.Command) string {
	var cases, commands strings.Builder
	for _, c := range root.Subcommands {
		names, _ := flagsOf(c)
		switch c.Name {
		case "completion":
			names = []string{"bash", "zsh", "fish"}
		case "help":
			for _, other := range root.Subcommands {
				names = append(names, other.Name)
			}
		}
		fmt.Fprintf(&cases, "\t%s) words=%q ;;\n", c.Name, strings.Join(names, " "))
		commands.WriteString(c.Name + " ")
	}
	return `# Completion of lockctl for bash.
_lockctl() {
	local current=${COMP_WORDS[COMP_CWORD]} words i
	for ((i = 2; i < COMP_CWORD; i++)); do
		if [[ ${COMP_WORDS[i]} == -- ]]; then
			COMPREPLY=($(compgen -c -f -- "$current"))
			return
		fi
	done
	case ${COMP_WORDS[1]} in
` + cases.String() + `	*) words="` + strings.TrimSpace(commands.String()) + `" ;;
	esac
	if ((COMP_CWORD == 1)); then
		words="` + strings.TrimSpace(commands.String()) + `"
	fi
	COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -F _lockctl lockctl
`
}

// zsh completes the same, with what they are for.
func zsh(root *ffcli.Command) string {
	var commands, cases strings.Builder
	quote := strings.NewReplacer("'", "'\\''", ":", "\\:", "[", "\\[", "]", "\\]")
	for _, c := range root.Subcommands {
		fmt.Fprintf(&commands, "\t\t'%s:%s'\n", c.Name, quote.Replace(c.ShortHelp))
		names, usages := flagsOf(c)
		fmt.Fprintf(&cases, "\t%s) flags=(\n", c.Name)
		for i, name := range names {
			fmt.Fprintf(&cases, "\t\t'%s:%s'\n", name, quote.Replace(usages[i]))
		}
		cases.WriteString("\t) ;;\n")
	}
	return `#compdef lockctl
# Completion of lockctl for zsh.
_lockctl() {
	local -a commands flags
	commands=(
` + commands.String() + `	)
	if ((CURRENT == 2)); then
		_describe command commands
		return
	fi
	if ((${words[(I)--]} > 0 && ${words[(I)--]} < CURRENT)); then
		_command_names
		return
	fi
	case ${words[2]} in
` + cases.String() + `	esac
	_describe flag flags
}
if [[ $funcstack[1] == _lockctl ]]; then # zsh has loaded it from a file of this name
	_lockctl
else
	compdef _lockctl lockctl
fi
`
}

// fish completes the same.
func fish(root *ffcli.Command) string {
	var b strings.Builder
	quote := strings.NewReplacer(`\`, `\\`, "'", `\'`)
	b.WriteString("# Completion of lockctl for fish.\ncomplete -c lockctl -f\n" +
		"complete -c lockctl -n 'contains -- -- (commandline -opc)' -F -a '(__fish_complete_command)'\n" +
		"complete -c lockctl -n '__fish_seen_subcommand_from completion' -a 'bash zsh fish'\n")
	for _, c := range root.Subcommands {
		fmt.Fprintf(&b, "complete -c lockctl -n __fish_use_subcommand -a %s -d '%s'\n", c.Name, quote.Replace(c.ShortHelp))
		names, usages := flagsOf(c)
		for i, name := range names {
			fmt.Fprintf(&b, "complete -c lockctl -n '__fish_seen_subcommand_from %s' -o %s -d '%s'\n", c.Name, name[1:], quote.Replace(usages[i]))
		}
	}
	return b.String()
}
