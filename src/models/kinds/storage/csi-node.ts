import { isQualifiedName } from '../../../base/names.ts'
import { duplicate, type FieldError, invalid, required } from '../../field-error.ts'
import { defineKind } from '../../kind.ts'
import type * as storage from '../../types/storage-v1.ts'
import { checkImmutable, checkNonNegative, texts } from '../checks.ts'
import { integer } from '../columns.ts'
import { checkDriverName } from './storage-checks.ts'

export type CSINode = storage.CSINode

const maxNodeIdBytes = 256

function checkDriver(at: string, driver: storage.CSINodeDriver, known: Set<string>): FieldError[] {
  const errors = checkDriverName(`${at}.name`, driver.name)
  if (!driver.nodeID) errors.push(required(`${at}.nodeID`))
  else if (driver.nodeID.length > maxNodeIdBytes)
    errors.push(invalid(`${at}.nodeID`, driver.nodeID, `must be ${maxNodeIdBytes} characters or less`))
  errors.push(...checkNonNegative(`${at}.allocatable.count`, driver.allocatable?.count))
  if (known.has(driver.name)) errors.push(duplicate(`${at}.name`, driver.name))
  known.add(driver.name)
  const keys = new Set<string>()
  for (const key of driver.topologyKeys ?? []) {
    if (!key) errors.push(required(at))
    if (keys.has(key)) errors.push(duplicate(at, key))
    keys.add(key)
    errors.push(...texts(at, key, isQualifiedName(key)))
  }
  return errors
}

function validateNode({ spec }: storage.CSINode, previous?: storage.CSINode): FieldError[] {
  const known = new Set<string>()
  const drivers = spec.drivers ?? []
  const errors = drivers.flatMap((driver, i) => checkDriver(`spec.drivers[${i}]`, driver, known))
  for (const old of previous?.spec.drivers ?? [])
    for (const driver of drivers)
      if (driver.name === old.name) errors.push(...checkImmutable('CSINodeDriver', driver, old))
  return errors
}

export const CSINode = defineKind<storage.CSINode>({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'CSINode',
  plural: 'csinodes',
  scope: 'Cluster',
  schema: 'storage/v1.CSINode',
  deletionAnswersObject: true,
  noGeneration: true,
  columns: [integer('Drivers', node => node.spec.drivers?.length ?? 0)],
  checkedTwice: true,
  validate: validateNode,
})
