import { addressProblem } from '../../base/address-check.ts'
import type { Net } from '../../base/net.ts'
import type { AddressAnswer, AddressQuestion } from '../../models/address-question.ts'
import { parseAddress } from '../../models/kinds/optiflow/service-registration.ts'
import { Refused } from './pod-access.ts'

/** Whether an address outside the cluster is well, as seen from this node. @throws Refused for what is no address */
export async function checkAddress(net: Net, { address, check }: AddressQuestion): Promise<AddressAnswer> {
  const parsed = parseAddress(address)
  if (!parsed) throw new Refused(400, `"${address}" is no address with a port, such as 10.0.0.5:5432`)
  const problem = await addressProblem(net, check, parsed)
  return problem === undefined ? {} : { problem }
}
