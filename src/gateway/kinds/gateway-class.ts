import { defineKind } from '../../models/kind.ts'
import type { KubeObject } from '../../models/object.ts'
import type { Condition } from '../../models/types/meta-v1.ts'
import { type GatewayDefinition, gatewayGroup } from './definition.ts'
import {
  conditions,
  domainPath,
  group,
  kindName,
  must,
  namespaceName,
  object,
  objectName,
  pending,
  root,
} from './schema.ts'

export interface GatewayClass extends KubeObject {
  spec: { controllerName: string; description?: string }
  status?: { conditions?: Condition[] }
}

export const GatewayClass = defineKind<GatewayClass>({
  group: gatewayGroup,
  version: 'v1',
  kind: 'GatewayClass',
  plural: 'gatewayclasses',
  shortNames: ['gc'],
  categories: ['gateway-api'],
  scope: 'Cluster',
  schema: '',
})

export const gatewayClassDefinition: GatewayDefinition = {
  kind: GatewayClass,
  olderVersions: ['v1beta1'],
  schema: root(
    object(
      {
        controllerName: {
          ...domainPath,
          'x-kubernetes-validations': [must('self == oldSelf', 'Value is immutable')],
        },
        description: { type: 'string', maxLength: 64 },
        parametersRef: object({ group, kind: kindName, name: objectName, namespace: namespaceName }, [
          'group',
          'kind',
          'name',
        ]),
      },
      ['controllerName'],
    ),
    object({ conditions }, [], { default: pending('Accepted') }),
  ),
  columns: [
    { name: 'Controller', type: 'string', jsonPath: '.spec.controllerName' },
    { name: 'Accepted', type: 'string', jsonPath: '.status.conditions[?(@.type=="Accepted")].status' },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
    { name: 'Description', type: 'string', jsonPath: '.spec.description', priority: 1 },
  ],
}
