import { patchTypes } from '../../models/patch/index.ts'
import { protobufType } from '../../models/protobuf/index.ts'

/** In what an object is sent; JSON first, which counts when nothing is said. */
export const objectTypes = ['application/json', 'application/yaml', protobufType]

/** The same where nobody has a protobuf message: kinds that are defined while the server runs. */
export const textTypes = objectTypes.filter(type => type !== protobufType)

/** Server-side apply. */
export const applyType = 'application/apply-patch+yaml'

/** In what a change of parts is sent. */
export const changeTypes = [...Object.keys(patchTypes), applyType]

/** The same for kinds that are defined while the server runs: how their lists merge, nobody says. */
export const customChangeTypes = changeTypes.filter(type => patchTypes[type] !== 'strategic')
