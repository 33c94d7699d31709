import { type FieldError, forbidden, invalid, notSupported, required } from '../../field-error.ts'
import type {
  LimitedPriorityLevelConfiguration,
  PriorityLevelConfiguration,
  QueuingConfiguration,
} from '../../types/flowcontrol-v1.ts'

const mostQueues = 10_000_000
/** The hand of a flow is dealt from one hash of so many bits. */
const hashBits = 60

export function validateLevel({ metadata, spec }: PriorityLevelConfiguration): FieldError[] {
  const errors: FieldError[] = []
  const { type, exempt, limited } = spec
  if ((metadata.name === 'exempt') !== (type === 'Exempt'))
    errors.push(invalid('spec.type', type, "type must be 'Exempt' if and only if name is 'exempt'"))
  switch (type) {
    case 'Exempt':
      if (limited) errors.push(forbidden('spec.limited', 'must be nil if the type is not Limited'))
      return exempt ? [...errors, ...checkShares('spec.exempt', exempt)] : errors
    case 'Limited':
      if (exempt) errors.push(forbidden('spec.exempt', 'must be nil if the type is Limited'))
      if (!limited) return [...errors, required('spec.limited', 'must not be empty when type is Limited')]
      return [...errors, ...checkShares('spec.limited', limited), ...checkLimited(limited)]
    default:
      return [...errors, notSupported('spec.type', type, ['Exempt', 'Limited'])]
  }
}

function checkShares(
  field: string,
  {
    nominalConcurrencyShares: shares,
    lendablePercent: lent,
  }: { nominalConcurrencyShares?: number; lendablePercent?: number },
): FieldError[] {
  const errors: FieldError[] = []
  if (shares !== undefined && shares < 0)
    errors.push(invalid(`${field}.nominalConcurrencyShares`, shares, 'must be a non-negative integer'))
  if (lent !== undefined && (lent < 0 || lent > 100))
    errors.push(invalid(`${field}.lendablePercent`, lent, 'must be between 0 and 100, inclusive'))
  return errors
}

function checkLimited({ limitResponse, borrowingLimitPercent }: LimitedPriorityLevelConfiguration): FieldError[] {
  const errors: FieldError[] = []
  const at = 'spec.limited'
  if (borrowingLimitPercent !== undefined && borrowingLimitPercent < 0)
    errors.push(
      invalid(`${at}.borrowingLimitPercent`, borrowingLimitPercent, 'if specified, must be a non-negative integer'),
    )
  const { type = '', queuing } = limitResponse ?? {}
  const field = `${at}.limitResponse`
  if (type === 'Reject') {
    if (queuing) errors.push(forbidden(`${field}.queuing`, 'must be nil if limited.limitResponse.type is not Limited'))
  } else if (type !== 'Queue') errors.push(notSupported(`${field}.type`, type, ['Queue', 'Reject']))
  else if (!queuing)
    errors.push(required(`${field}.queuing`, 'must not be empty if limited.limitResponse.type is Limited'))
  else errors.push(...checkQueues(`${field}.queuing`, queuing))
  return errors
}

function checkQueues(field: string, { queues = 0, handSize = 0, queueLengthLimit = 0 }: QueuingConfiguration) {
  const errors: FieldError[] = []
  if (queueLengthLimit <= 0) errors.push(invalid(`${field}.queueLengthLimit`, queueLengthLimit, 'must be positive'))
  if (queues <= 0) errors.push(invalid(`${field}.queues`, queues, 'must be positive'))
  else if (queues > mostQueues)
    errors.push(invalid(`${field}.queues`, queues, `must not be greater than ${mostQueues}`))
  const at = `${field}.handSize`
  if (handSize <= 0) errors.push(invalid(at, handSize, 'must be positive'))
  else if (handSize > queues) errors.push(invalid(at, handSize, `should not be greater than queues (${queues})`))
  else if (entropyBits(queues, handSize) > hashBits)
    errors.push(
      invalid(
        at,
        handSize,
        `required entropy bits of deckSize ${queues} and handSize ${handSize} should not be greater than ${hashBits}`,
      ),
    )
  return errors
}

/** What it takes to tell all hands of `size` out of a deck apart. */
function entropyBits(deck: number, size: number): number {
  let bits = 0
  for (let i = 0; i < size; i++) bits += Math.log2(deck - i)
  return Math.ceil(bits)
}
