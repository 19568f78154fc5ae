import { assert, it, onTestFinished } from "vitest"
import { once } from "node:events"
import { connect, createServer, type Socket } from "node:net"
import { startTcpProxy } from "../../proof/support/tcpProxy.js"

/** A server that answers each text with itself in upper case, a proxy to it, and a client of that. */
const world = async () => {
  const served: Array<Socket> = []
  const heard: Array<string> = []
  const server = createServer((socket) => {
    served.push(socket)
    socket.on("error", () => {})
    socket.on("data", (chunk) => {
      heard.push(chunk.toString())
      socket.write(chunk.toString().toUpperCase())
    })
  })
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  const address = server.address()
  const port = typeof address === "object" && address !== null ? address.port : 0
  const proxy = await startTcpProxy(() => ({ host: "127.0.0.1", port }))
  onTestFinished(() => {
    proxy.close()
    server.close()
    served.forEach((socket) => socket.destroy())
  })
  const client = async () => {
    const socket = connect(proxy.port, "127.0.0.1")
    const answers: Array<string> = []
    socket.on("error", () => {})
    socket.on("data", (chunk) => answers.push(chunk.toString()))
    onTestFinished(() => void socket.destroy())
    await once(socket, "connect")
    const ask = async (text: string) => {
      socket.write(text)
      const [answer] = await once(socket, "data")
      return String(answer)
    }
    return { socket, answers, ask, closed: new Promise((resolve) => socket.on("close", resolve)) }
  }
  return { proxy, heard, served, client }
}

it("passes what it is given, until it is cut", async () => {
  const { client, proxy } = await world()
  const one = await client()
  assert.strictEqual(await one.ask("a"), "A")
  assert.strictEqual(proxy.links(), 1)
  assert.strictEqual(proxy.cut(), 1)
  await one.closed
  proxy.refuse(true)
  const refused = connect(proxy.port, "127.0.0.1").on("error", () => {})
  await new Promise((resolve) => refused.on("close", resolve))
  assert.strictEqual(proxy.refused(), 1)
  proxy.refuse(false)
  assert.strictEqual(await (await client()).ask("b"), "B")
})

it("the server sees clients come from the address that was last set", async () => {
  const { client, proxy, served } = await world()
  for (const address of ["127.0.0.1", "127.0.0.2", "127.0.3.1"]) {
    if (address !== "127.0.0.1") proxy.comeFrom(address)
    await (await client()).ask("where from")
  }
  assert.deepStrictEqual(served.map(({ remoteAddress }) => remoteAddress), ["127.0.0.1", "127.0.0.2", "127.0.3.1"])
})

it("cuts before a text arrives, or when it has arrived and before its answer; once", async () => {
  const { client, heard, proxy } = await world()
  for (const fault of ["cut-before", "cut-after"] as const) {
    const one = await client()
    proxy.arm({ trigger: /commit$/, fault })
    assert.strictEqual(await one.ask("begin"), "BEGIN")
    one.socket.write("commit")
    await one.closed
    assert.deepStrictEqual(one.answers, ["BEGIN"])
  }
  assert.deepStrictEqual(heard, ["begin", "begin", "commit"])
  assert.strictEqual(proxy.struck(), 2)
  assert.strictEqual(await (await client()).ask("commit"), "COMMIT")
})

it("goes silent at a text without telling either side, and tells the server nothing of the client's end", async () => {
  const { client, heard, proxy, served } = await world()
  for (const fault of ["swallow", "swallow-answer"] as const) {
    const one = await client()
    proxy.arm({ trigger: /commit$/, fault })
    one.socket.write("commit")
    // Whatever the other connection says has come after what this one would have.
    assert.strictEqual(await (await client()).ask("x"), "X")
    assert.deepStrictEqual(one.answers, [])
    one.socket.destroy()
    await one.closed
  }
  assert.deepStrictEqual(heard, ["x", "commit", "x"])
  assert.strictEqual(await (await client()).ask("y"), "Y")
  assert.isTrue(served.every((socket) => !socket.destroyed && !socket.readableEnded))
})

it("holds everything back while it is stalled, and loses nothing; what is muted stays so", async () => {
  const { client, heard, proxy } = await world()
  const one = await client()
  assert.strictEqual(await one.ask("a"), "A")
  proxy.stall(true)
  const late = one.ask("b")
  const next = await client()
  const alsoLate = next.ask("c")
  assert.deepStrictEqual(heard, ["a"])
  proxy.stall(false)
  assert.deepStrictEqual(await Promise.all([late, alsoLate]), ["B", "C"])
  assert.strictEqual(proxy.mute(), 2)
  one.socket.write("lost")
  assert.strictEqual(await (await client()).ask("d"), "D")
  assert.sameMembers(heard, ["a", "b", "c", "d"])
})

it("delays in order", async () => {
  const { client, heard, proxy } = await world()
  const one = await client()
  proxy.delay(30)
  one.socket.write("a")
  await once(one.socket, "data")
  one.socket.write("b")
  proxy.delay(0)
  one.socket.write("c")
  while (one.answers.join("").length < 3) await once(one.socket, "data")
  assert.strictEqual(heard.join(""), "abc")
  assert.strictEqual(one.answers.join(""), "ABC")
})
