import { commands } from './commands/index.ts'
import { runProcess } from './process.ts'

void runProcess(commands)
