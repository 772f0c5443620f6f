"""How the web door starts, stops, and treats clients that do not get on."""

import asyncio
import signal
import socket

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, Router

from httpgate import server
from httpgate.server import CannotListen, serve
from tests.httpgate.conftest import serving


async def hello(request: Request) -> Response:
    return PlainTextResponse("hello")


APP = Router([Route("/", hello, methods=["GET", "POST"])])


async def test_a_taken_port_is_said_clearly() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(CannotListen, match=f"127.0.0.1 port {port}: another program listens there already"):
            await serve(APP, "127.0.0.1", port)


async def test_an_address_that_is_not_ours_is_said_clearly() -> None:
    with pytest.raises(CannotListen, match=r"192\.0\.2\.1 port 8080"):
        await serve(APP, "192.0.2.1", 8080)


async def test_whoever_waits_for_readiness_learns_that_it_never_comes() -> None:
    ready: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    with pytest.raises(CannotListen):
        await serve(APP, "192.0.2.1", 8080, ready=ready)
    assert ready.cancelled()


async def test_signals_stay_ours() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    async with serving(APP):
        assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


async def test_a_request_under_way_is_finished_when_the_server_stops() -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slow(request: Request) -> Response:
        begun.set()
        await go_on.wait()
        return PlainTextResponse("done")

    ready: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    stop = asyncio.Event()
    task = asyncio.create_task(serve(Router([Route("/", slow)]), "127.0.0.1", 0, ready=ready, stop=stop))
    address = f"http://127.0.0.1:{await ready}/"
    async with httpx.AsyncClient() as client:
        answer = asyncio.create_task(client.get(address))
        await begun.wait()
        stop.set()
        await refused(address)
        go_on.set()
        assert (await answer).text == "done"
    await asyncio.wait_for(task, 5)


async def test_a_cancelled_server_closes_its_port() -> None:
    ready: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(serve(APP, "127.0.0.1", 0, ready=ready))
    port = await ready
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    with socket.create_server(("127.0.0.1", port)):
        pass


async def refused(address: str) -> None:
    """Returns once nobody listens there any more."""
    async with asyncio.timeout(5):
        while True:
            async with httpx.AsyncClient() as client:
                try:
                    await client.get(address, timeout=0.2)
                except httpx.ConnectError:
                    return
                except httpx.TimeoutException:
                    continue


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"GET / HTTP/1.1\r\nHost: x\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\nx",
    ],
    ids=["nothing", "half a head", "the beginning of a body that nobody reads"],
)
async def test_a_client_that_does_not_get_on_is_cut_off(sent: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "REQUEST_SECONDS", 0.3)
    async with serving(APP) as address:
        url = httpx.URL(address)
        reader, writer = await asyncio.open_connection(url.host, url.port)
        writer.write(sent)
        # One byte at a time must not buy more time.
        try:
            async with asyncio.timeout(5):
                while not reader.at_eof():
                    writer.write(b"x" if sent else b"")
                    await reader.read(100) if sent else await reader.read()
        except ConnectionError:
            pass
        writer.close()


async def test_a_second_request_that_stops_half_way_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "REQUEST_SECONDS", 0.3)
    async with serving(APP) as address:
        url = httpx.URL(address)
        reader, writer = await asyncio.open_connection(url.host, url.port)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        await reader.readuntil(b"hello")
        writer.write(b"GET / HT")
        assert await asyncio.wait_for(reader.read(), 5) == b""
        writer.close()


async def test_a_request_that_arrived_may_take_longer_than_its_arrival(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "REQUEST_SECONDS", 0.2)

    async def slow(request: Request) -> Response:
        past_the_deadline = asyncio.Event()
        asyncio.get_running_loop().call_later(0.5, past_the_deadline.set)
        await past_the_deadline.wait()
        return PlainTextResponse("done")

    async with serving(Router([Route("/", slow)])) as address, httpx.AsyncClient() as client:
        assert (await client.get(address)).text == "done"


async def test_garbage_is_answered_with_400() -> None:
    async with serving(APP) as address:
        url = httpx.URL(address)
        reader, writer = await asyncio.open_connection(url.host, url.port)
        writer.write(b"\x16\x03\x01\x02\x00\x01\r\n\r\n")
        assert b" 400 " in await asyncio.wait_for(reader.readline(), 5)
        writer.close()


async def test_one_connection_serves_many_requests() -> None:
    async with serving(APP) as address, httpx.AsyncClient(base_url=address) as client:
        for _ in range(20):
            assert (await client.get("/")).text == "hello"
