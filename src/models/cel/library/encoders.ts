import { fail } from '../errors.ts'
import { cel } from '../types.ts'
import { decodeBase64, encodeBase64 } from '../values/json.ts'
import { reads } from './costs.ts'
import { fn, library } from './function.ts'

/** The encoders extension; as the one for mathematics, beside Kubernetes' functions. */
export const encoders = library({
  'base64.encode': [fn('base64_encode_bytes', [cel.bytes], cel.string, encodeBase64, reads(0))],
  'base64.decode': [
    fn(
      'base64_decode_string',
      [cel.string],
      cel.bytes,
      (text: string) => decodeBase64(text) ?? fail('illegal base64 data'),
      reads(0),
    ),
  ],
})
