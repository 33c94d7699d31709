import { type Clock, systemClock } from '../base/clock.ts'
import { type Commands, systemCommands } from '../base/commands.ts'
import { type Disk, systemDisk } from '../base/disk.ts'
import { type Logger, silentLogger } from '../base/logger.ts'
import { type Net, systemNet } from '../base/net.ts'
import { type Random, systemRandom } from '../base/random.ts'

/** Everything that a room may ask of the world outside; tests and simulations hand in their own. */
export interface OutsideWorld {
  clock: Clock
  random: Random
  disk: Disk
  net: Net
  commands: Commands
  log: Logger
}

export function systemOutside(log: Logger = silentLogger): OutsideWorld {
  return { clock: systemClock, random: systemRandom, disk: systemDisk, net: systemNet, commands: systemCommands, log }
}
