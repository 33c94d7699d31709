import { agent } from './commands/agent.ts'
import { runProcess } from './process.ts'

// `optiflow agent` alone: a node does not carry the control plane's code in its memory.
await runProcess([agent])
