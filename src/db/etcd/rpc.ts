import {
  type ChannelCredentials,
  type Client,
  type ClientDuplexStream,
  type ClientUnaryCall,
  credentials,
  Metadata,
  type ServiceError,
  status,
} from '@grpc/grpc-js'
import type { Clock } from '../../base/clock.ts'
import { services, type WatchResponse } from './messages.ts'

export interface EtcdConnection {
  /** Addresses such as `https://10.0.0.1:2379`; all of one cluster. */
  endpoints: string[]
  /** PEM. Needed for https unless the system trusts the certificate. */
  ca?: string
  /** PEM: a client certificate and its key. */
  cert?: string
  key?: string
  username?: string
  password?: string
}

type Service = 'KV' | 'Watch' | 'Auth' | 'Maintenance'
type Call = (
  request: object,
  metadata: Metadata,
  done: (error: ServiceError | null, response: unknown) => void,
) => ClientUnaryCall

/** Longest wait for an answer. */
const timeoutMs = 10_000

/** The request never left us, so it may be sent again whatever it does. */
const neverSent = /ECONNREFUSED|No connection established|ENOTFOUND|EHOSTUNREACH|ENETUNREACH/

/** Calls to whichever member of the cluster answers. */
export class EtcdRpc {
  readonly #connection: EtcdConnection
  readonly #clock: Clock
  readonly #clients = new Map<string, Client>()
  #current = 0
  #token: Promise<string> | undefined
  #closed = false

  constructor(connection: EtcdConnection, clock: Clock) {
    if (connection.endpoints.length === 0) throw new Error('no endpoint of etcd is given')
    this.#connection = connection
    this.#clock = clock
  }

  /** The member that is asked now. */
  get endpoint(): string {
    return this.#connection.endpoints[this.#current % this.#connection.endpoints.length]!
  }

  /** From now on another member is asked. */
  moveOn(): void {
    this.#current++
  }

  /**
   * Asks one question.
   * @param repeatable may be sent again after it may have been carried out: reads
   * @throws gRPC's ServiceError, with the `endpoint` that was asked
   */
  async unary<T>(service: Service, method: string, request: object, repeatable: boolean): Promise<T> {
    let renewed = false
    for (let tried = 1; ; tried++) {
      const { endpoint } = this
      try {
        return await this.#once<T>(service, method, request)
      } catch (error) {
        const { code, details = '' } = Object.assign(error as Partial<ServiceError>, { endpoint })
        if (this.#closed) throw error
        if (code === status.UNAUTHENTICATED && this.#connection.username && !renewed) {
          this.#token = undefined
          renewed = true
          continue
        }
        const lost = code === status.UNAVAILABLE || code === status.DEADLINE_EXCEEDED || code === status.CANCELLED
        if (!lost) throw error
        this.moveOn()
        if (tried >= this.#connection.endpoints.length * 2 || !(repeatable || neverSent.test(details))) throw error
      }
    }
  }

  async watch(create: object): Promise<ClientDuplexStream<object, WatchResponse>> {
    const client = this.#client('Watch') as unknown as {
      Watch(metadata: Metadata): ClientDuplexStream<object, WatchResponse>
    }
    const stream = client.Watch(await this.#metadata())
    stream.on('error', () => {})
    stream.write({ create_request: create })
    return stream
  }

  close(): void {
    this.#closed = true
    for (const client of this.#clients.values()) client.close()
  }

  async #once<T>(service: Service, method: string, request: object): Promise<T> {
    const metadata = await this.#metadata()
    return this.#send<T>(service, method, request, metadata)
  }

  #send<T>(service: Service, method: string, request: object, metadata: Metadata): Promise<T> {
    const client = this.#client(service) as unknown as Record<string, Call>
    return new Promise<T>((resolve, reject) => {
      const call = client[method]!(request, metadata, (error, response) => {
        cancel()
        if (error) reject(error)
        else resolve(response as T)
      })
      const cancel = this.#clock.schedule(timeoutMs, () => call.cancel())
    })
  }

  async #metadata(): Promise<Metadata> {
    const metadata = new Metadata()
    const { username: name, password } = this.#connection
    if (!name) return metadata
    this.#token ??= this.#send<{ token: string }>('Auth', 'Authenticate', { name, password }, new Metadata()).then(
      answer => answer.token,
    )
    try {
      metadata.set('token', await this.#token)
    } catch (error) {
      this.#token = undefined
      throw error
    }
    return metadata
  }

  #client(service: Service): Client {
    const id = `${service} ${this.endpoint}`
    let client = this.#clients.get(id)
    if (!client) {
      const url = new URL(this.endpoint)
      client = new services[service](url.host, this.#credentials(url), {
        'grpc.max_receive_message_length': -1,
        'grpc.max_send_message_length': -1,
        'grpc.keepalive_time_ms': 10_000,
        'grpc.keepalive_timeout_ms': 5_000,
        'grpc.initial_reconnect_backoff_ms': 100,
        'grpc.max_reconnect_backoff_ms': 1_000,
      })
      this.#clients.set(id, client)
    }
    return client
  }

  #credentials(url: URL): ChannelCredentials {
    if (url.protocol === 'http:') return credentials.createInsecure()
    const { ca, cert, key } = this.#connection
    const pem = (text: string | undefined) => (text ? Buffer.from(text) : null)
    return credentials.createSsl(pem(ca), pem(key), pem(cert))
  }
}
