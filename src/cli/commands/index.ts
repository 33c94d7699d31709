import type { CliCommand } from '../command.ts'
import { agent } from './agent.ts'
import { apply } from './apply.ts'
import { backup } from './backup.ts'
import { blame } from './blame.ts'
import { boot } from './boot.ts'
import { ca } from './ca.ts'
import { calico } from './calico.ts'
import { completion } from './completion.ts'
import { controller } from './controller.ts'
import { remove } from './delete.ts'
import { demo } from './demo.ts'
import { describe } from './describe.ts'
import { down } from './down.ts'
import { envtest } from './envtest.ts'
import { events } from './events.ts'
import { exec } from './exec.ts'
import { get } from './get.ts'
import { history } from './history.ts'
import { logs } from './logs.ts'
import { net } from './net.ts'
import { node } from './node.ts'
import { portForward } from './port-forward.ts'
import { rebalance } from './rebalance.ts'
import { recommend } from './recommend.ts'
import { restore } from './restore.ts'
import { rollout } from './rollout.ts'
import { run } from './run.ts'
import { scale } from './scale.ts'
import { scheduler } from './scheduler.ts'
import { server } from './server.ts'
import { service } from './service.ts'
import { simulate } from './simulate.ts'
import { status } from './status.ts'
import { store } from './store.ts'
import { top } from './top.ts'
import { up } from './up.ts'
import { version } from './version.ts'
import { why } from './why.ts'

/** All commands, in the order of `optiflow --help`. */
export const commands: readonly CliCommand[] = [
  demo,
  up,
  down,
  status,
  boot,
  run,
  scale,
  rollout,
  apply,
  get,
  describe,
  why,
  net,
  history,
  blame,
  simulate,
  rebalance,
  recommend,
  logs,
  exec,
  portForward,
  top,
  events,
  remove,
  service,
  server,
  agent,
  node,
  scheduler,
  controller,
  calico,
  backup,
  restore,
  store,
  ca,
  envtest,
  completion,
  version,
]
