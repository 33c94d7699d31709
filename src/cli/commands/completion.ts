import { Argument, type Command } from 'commander'
import { askedNames } from '../asked-names.ts'
import type { CliCommand, Outside } from '../command.ts'
import { completionScripts, filesMark, type Shell, shells } from '../completion-scripts.ts'
import { completions, files } from '../completions.ts'

const howTo = `
In bash:  source <(optiflow completion bash)                          put that line into ~/.bashrc
In zsh:   source <(optiflow completion zsh)                           put that line into ~/.zshrc, after compinit
In fish:  optiflow completion fish > ~/.config/fish/completions/optiflow.fish`

export const completion: CliCommand = {
  register(program, outside) {
    program
      .command('completion')
      .addArgument(new Argument('<shell>').choices(shells))
      .description('print what makes Tab complete commands, flags, kinds and names in a shell')
      .addHelpText('after', howTo)
      .action((shell: Shell) => outside.terminal.out(completionScripts[shell]))
    program
      .command('__complete [words...]', { hidden: true })
      .description('what the last word may become; for the scripts of "completion"')
      .action((words: string[]) => complete(program, outside, words))
  },
}

async function complete(program: Command, outside: Outside, words: string[]): Promise<void> {
  const found = await completions(program, words, askedNames(outside))
  outside.terminal.out(
    found === files
      ? `${filesMark}\n`
      : found.map(({ value, about }) => (about ? `${value}\t${about}\n` : `${value}\n`)).join(''),
  )
}
