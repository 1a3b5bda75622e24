"""asyncio: each line on port 7 answered with "LINE ok", while other tasks sleep and pass messages."""
import asyncio


async def main():
    queue = asyncio.Queue()

    async def produce(n):
        while True:
            await asyncio.sleep(0.01)
            await queue.put(n)

    tasks = [asyncio.create_task(produce(n)) for n in range(20)]

    async def serve(reader, writer):
        while line := await reader.readline():
            await asyncio.wait_for(queue.get(), 5)
            writer.write(line.strip() + b" ok\n")
            await writer.drain()

    async with await asyncio.start_server(serve, "", 7) as server:
        await asyncio.gather(server.serve_forever(), *tasks)


asyncio.run(main())
