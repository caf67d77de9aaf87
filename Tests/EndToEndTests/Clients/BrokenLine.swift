import Foundation
import Testing

/// A way to a server that breaks once: the first connection that carries more than a number of bytes in one
/// direction is cut there.
///
/// Every other is passed on whole.
struct BrokenLine {
    enum Direction: String {
        case toClient = "down"
        case toServer = "up"
    }

    private let process: ChildProcess
    let port: Int

    var hasBroken: Bool { process.outputSoFar.contains("cut") }

    /// Runs a body beside a line to a scene's server.
    static func with(
        _ scene: Scene,
        _ direction: Direction,
        after limit: Int,
        _ body: (BrokenLine) async throws -> Void
    ) async throws {
        let process = try ChildProcess(
            "python3",
            ["-c", relay, "\(scene.server.port)", direction.rawValue, "\(limit)"],
            in: scene.program.folder
        )
        let result: Result<Void, any Error>
        do {
            let port: Int = try await eventually("the line is there") {
                try #require(process.isRunning, "\(process.errorsSoFar)")
                let lines = process.outputSoFar.split(separator: "\n", omittingEmptySubsequences: false)
                return lines.count > 1 ? Int(lines[0]) : nil
            }
            result = .success(try await body(BrokenLine(process: process, port: port)))
        } catch {
            result = .failure(error)
        }
        process.send(SIGKILL)
        _ = await process.outcome()
        try result.get()
    }

    private static let relay = """
        import socket, sys, threading
        server, direction, limit = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
        breaks = threading.Semaphore(1)
        listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        print(listener.getsockname()[1], flush=True)

        def pump(source, sink, counted):
            passed = 0
            try:
                while True:
                    data = source.recv(65536)
                    if not data:
                        break
                    passed += len(data)
                    if counted and passed > limit and breaks.acquire(blocking=False):
                        print("cut", flush=True)
                        for end in (source, sink):
                            end.shutdown(socket.SHUT_RDWR)
                        return
                    sink.sendall(data)
                sink.shutdown(socket.SHUT_WR)
            except OSError:
                pass

        def serve(client):
            upstream = socket.create_connection(("127.0.0.1", server))
            threads = [
                threading.Thread(target=pump, args=(client, upstream, direction == "up"), daemon=True),
                threading.Thread(target=pump, args=(upstream, client, direction == "down"), daemon=True),
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            client.close()
            upstream.close()

        while True:
            connection, _ = listener.accept()
            threading.Thread(target=serve, args=(connection,), daemon=True).start()
        """
}
