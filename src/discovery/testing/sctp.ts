/*
 * Programs for Python, which opens raw sockets: many kernels have no sockets of SCTP, but lead its packets all the same.
 */

/** Prints `up`, then of each packet that comes who sent it, and to which port. */
export const sctpListener = `
import socket, struct
s = socket.socket(socket.AF_INET, socket.SOCK_RAW, 132)
print('up', flush=True)
while True:
    data, (source, _) = s.recvfrom(2048)
    packet = data[(data[0] & 15) * 4:]
    print(source, struct.unpack('!H', packet[2:4])[0], flush=True)
`

/** Sends the first packet of an association. Its sum must be right, or the kernel follows no flow. */
export const sctpKnock = (host: string, port: number) => `
import socket, struct
def sum_of(data):
    c = 0xffffffff
    for byte in data:
        c ^= byte
        for _ in range(8): c = (c >> 1) ^ (0x82f63b78 if c & 1 else 0)
    return c ^ 0xffffffff
ports = struct.pack('!HHI', 5000, ${port}, 0)
init = struct.pack('!BBHIIHHI', 1, 0, 20, 7, 65535, 1, 1, 1)
whole = ports + struct.pack('<I', sum_of(ports + bytes(4) + init)) + init
socket.socket(socket.AF_INET, socket.SOCK_RAW, 132).sendto(whole, ('${host}', 0))
`
