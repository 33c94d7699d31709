import { buildImage, type OciImage } from './oci-image.ts'

/** The name under which our sandbox image is known to containerd; no registry has it, it is generated and imported. */
export const pauseImageName = 'optiflow.dev/pause:1'

export type Architecture = 'amd64' | 'arm64'

/**
 * The program that holds a pod's namespaces open: a static ELF of some 200 bytes. It ignores SIGCHLD, so that the kernel
 * buries orphans where containers share its process namespace, and then sleeps for ever.
 */
export function pauseProgram(architecture: Architecture): Buffer {
  const [machine, code] = architecture === 'amd64' ? [62, amd64()] : [183, arm64()]
  return elf(machine, code)
}

/** The program as an OCI image for both architectures' containerd to run. */
export function pauseImage(architecture: Architecture): OciImage {
  return buildImage({
    architecture,
    layers: [[{ path: 'pause', data: pauseProgram(architecture), mode: 0o755 }]],
    entrypoint: ['/pause'],
    user: '65535:65535',
  })
}

const headerBytes = 64 + 56
const loadAddress = 0x400000n

/** One read-and-execute segment that holds the whole file, entered right after the headers. */
function elf(machine: number, code: Buffer): Buffer {
  const size = BigInt(headerBytes + code.length)
  const header = Buffer.alloc(headerBytes)
  header.write('\x7fELF\x02\x01\x01', 'latin1')
  header.writeUInt16LE(2, 16)
  header.writeUInt16LE(machine, 18)
  header.writeUInt32LE(1, 20)
  header.writeBigUInt64LE(loadAddress + BigInt(headerBytes), 24)
  header.writeBigUInt64LE(64n, 32)
  header.writeUInt16LE(64, 52)
  header.writeUInt16LE(56, 54)
  header.writeUInt16LE(1, 56)
  header.writeUInt32LE(1, 64)
  header.writeUInt32LE(5, 68)
  header.writeBigUInt64LE(loadAddress, 80)
  header.writeBigUInt64LE(loadAddress, 88)
  header.writeBigUInt64LE(size, 96)
  header.writeBigUInt64LE(size, 104)
  header.writeBigUInt64LE(0x10000n, 112)
  return Buffer.concat([header, code])
}

/** struct sigaction of the kernel: handler SIG_IGN, no flags, no restorer, empty mask. */
const ignoreAction = Buffer.alloc(32)
ignoreAction[0] = 1

function amd64(): Buffer {
  const before = 34
  const action = Buffer.alloc(4)
  action.writeUInt32LE(Number(loadAddress) + headerBytes + before)
  return Buffer.concat([
    Buffer.from('b80d000000', 'hex'), // mov eax, 13 (rt_sigaction)
    Buffer.from('bf11000000', 'hex'), // mov edi, 17 (SIGCHLD)
    Buffer.from('be', 'hex'), // mov esi, action
    action,
    Buffer.from('31d2', 'hex'), // xor edx, edx
    Buffer.from('41ba08000000', 'hex'), // mov r10d, 8
    Buffer.from('0f05', 'hex'), // syscall
    Buffer.from('b822000000', 'hex'), // again: mov eax, 34 (pause)
    Buffer.from('0f05', 'hex'), // syscall
    Buffer.from('ebf7', 'hex'), // jmp again
    ignoreAction,
  ])
}

function arm64(): Buffer {
  const move = (register: number, value: number) => (0xd2800000 | (value << 5) | register) >>> 0
  const trap = 0xd4000001
  const words = [
    move(8, 134), // rt_sigaction
    move(0, 17), // SIGCHLD
    0, // adr x1, action: filled in below
    move(2, 0),
    move(3, 8),
    trap,
    ...[0, 1, 2, 3, 4].map(register => move(register, 0)),
    move(8, 73), // again: ppoll(0, 0, 0, 0)
    trap,
    (0x14000000 | (-7 & 0x3ffffff)) >>> 0, // b back to clearing the registers
  ]
  const offset = (words.length - 2) * 4
  words[2] = (0x10000000 | ((offset & 3) << 29) | ((offset >> 2) << 5) | 1) >>> 0
  const code = Buffer.alloc(words.length * 4)
  for (const [i, word] of words.entries()) code.writeUInt32LE(word, i * 4)
  return Buffer.concat([code, ignoreAction])
}
