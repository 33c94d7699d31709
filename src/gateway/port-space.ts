/**
 * Ports of TCP and of UDP are apart: the same number may be had twice. Where both are kept in one map, those of UDP stand above
 * all of TCP.
 */
const tcpPorts = 65_536

/** Where a port of this protocol (of a listener, Service or container) stands among all. */
export const placeOfPort = (port: number, protocol = 'TCP'): number => (protocol === 'UDP' ? tcpPorts + port : port)

export const isUdpPlace = (place: number): boolean => place >= tcpPorts

/** The port itself. */
export const portAt = (place: number): number => place % tcpPorts
