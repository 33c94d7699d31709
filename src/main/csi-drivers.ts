import { CsiDriver } from '../plugins/index.ts'
import type { OutsideWorld } from './outside.ts'
import type { Settings } from './settings.ts'

export interface OpenedDrivers extends Disposable {
  all: { name: string; driver: CsiDriver }[]
}

/** The CSI drivers that this process speaks to itself. They may be away: what is asked of them then is asked again. */
export function openCsiDrivers({ csiDrivers }: Settings, { clock }: OutsideWorld): OpenedDrivers {
  const all = csiDrivers.map(({ name, socket }) => ({ name, driver: new CsiDriver(socket, clock) }))
  return {
    all,
    [Symbol.dispose]() {
      for (const { driver } of all) driver[Symbol.dispose]()
    },
  }
}
