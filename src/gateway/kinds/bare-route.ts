import type { KubeObject } from '../../models/object.ts'
import type { CustomResourceColumnDefinition, JSONSchemaProps } from '../../models/types/apiextensions-v1.ts'
import {
  type BackendReference,
  backendRefs,
  type ParentReference,
  parentRefs,
  type RouteParentStatus,
  routeStatus,
} from './route-parts.ts'
import { list, object, root, sectionName } from './schema.ts'

export interface BareRouteRule {
  name?: string
  backendRefs: BackendReference[]
}

/** A route that looks at nothing of what it leads on: all that comes to its listeners. */
export interface BareRoute extends KubeObject {
  spec: { parentRefs?: ParentReference[]; rules: BareRouteRule[] }
  status?: { parents: RouteParentStatus[] }
}

/** One rule, which only names backends. */
export const bareRules = list(object({ name: sectionName, backendRefs: backendRefs() }, ['backendRefs']), 1, {
  minItems: 1,
})

/** What TCPRoutes and UDPRoutes look like. */
export const bareRouteSchema: JSONSchemaProps = root(
  object(
    {
      parentRefs,
      rules: bareRules,
    },
    ['rules'],
  ),
  routeStatus,
)

export const bareRouteColumns: CustomResourceColumnDefinition[] = [
  { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
]
