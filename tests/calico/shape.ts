import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { moreDefinitions } from './shape-definitions.ts'

/** Where the manifest's parts are to be found instead of where Calico's are. */
export interface Shape {
  nodeImage: string
  controllersImage: string
  /** Before every path of the host; '' for the real ones. */
  host: string
}

export const simulatedShape: Shape = { nodeImage: 'stub/node:1', controllersImage: 'stub/controllers:1', host: '' }

/** A manifest of our own with the same objects, fields and names as Calico's own, as far as an orchestrator can tell. */
export async function shapeManifest(shape: Shape = simulatedShape): Promise<string> {
  const text = await readFile(join(import.meta.dirname, 'shape.yaml'), 'utf8')
  return [text, ...moreDefinitions.map(definition => JSON.stringify(definition))]
    .join('\n---\n')
    .replaceAll('NODE_IMAGE', shape.nodeImage)
    .replaceAll('CONTROLLERS_IMAGE', shape.controllersImage)
    .replaceAll('HOST_ROOT', shape.host)
}
