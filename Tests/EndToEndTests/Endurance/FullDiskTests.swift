import Foundation
import Testing

@Suite("A disk that is full", .enabled(if: PrivateMount.isPermitted, PrivateMount.reason))
struct FullDiskTests {
    private static let mount = "mount -t tmpfs -o size=16m none $STORAGE"
    /// Takes every byte that is left.
    private static let brim = "dd if=/dev/zero of=$(mktemp -p $STORAGE filler-XXXXXX) bs=1k; df $STORAGE"
    private static let room = "rm $STORAGE/filler-*"

    @Test("refuses what has no room with 507, serves, lists and deletes, and takes more when there is room")
    func full() async throws {
        try await Program.with { program in
            try await PrivateMount.with(program, Self.mount) { mount in
                let pusher = BlobPusher(program)
                let server = try await RunningServer(program, prefix: mount.prefix)
                var large: [String] = []
                for size in [1_000_000, 100_000, 10_000, 1000] {
                    let reply = try await pusher.fill(size, to: server)
                    #expect(reply.status == 507)
                    #expect(reply.body.contains("there is no space left in the storage folder"))
                    if large.isEmpty { large = pusher.acknowledged }
                }
                #expect(large.count > 5)
                let session = try await pusher.ask("-X", "POST", "\(server.url)/v2/app/blobs/uploads/")
                #expect([202, 507].contains(session.status))
                #expect(try await mount.shell(Self.brim).output.contains("100%"))

                try await pusher.expectAll(on: server, "when it is full")
                #expect(try await pusher.ask("\(server.url)/v2/_catalog").status == 200)
                #expect(try await mount.run("list", "--storage", program.storage.path).status == 0)
                #expect(try await pusher.push(20_000_000, to: server).status == 507)
                // Without a free block, and more than once.
                for digest in large.prefix(6) {
                    #expect(try await pusher.delete(digest, from: server).status == 202)
                    #expect(try await pusher.push(1000, to: server).status == 201)
                    #expect(try await mount.shell(Self.brim).output.contains("100%"))
                }
                #expect(try await mount.shell(Self.room).status == 0)
                for size in [1000, 100_000, 500_000] {
                    #expect(try await pusher.push(size, to: server).status == 201)
                }
                try await pusher.expectAll(on: server, "when there is room again")
                #expect(await server.stop(SIGTERM).status == 0)
                let again = try await RunningServer(program, prefix: mount.prefix)
                try await pusher.expectAll(on: again, "after a restart")
                #expect(await again.stop(SIGTERM).status == 0)
            }
        }
    }

    @Test(
        "can be started on, after a stop and after a kill, and serves and deletes there",
        arguments: [SIGTERM, SIGKILL]
    )
    func start(_ signal: Int32) async throws {
        try await Program.with { program in
            try await PrivateMount.with(program, Self.mount) { mount in
                let pusher = BlobPusher(program)
                let first = try await RunningServer(program, prefix: mount.prefix)
                for size in [1_000_000, 10_000] { _ = try await pusher.fill(size, to: first) }
                await first.stop(signal)
                #expect(try await mount.shell(Self.brim).output.contains("100%"))
                let second = try await RunningServer(program, prefix: mount.prefix)
                try await pusher.expectAll(on: second, "on a full disk")
                #expect(try await pusher.push(1_000_000, to: second).status == 507)
                #expect(try await pusher.delete(pusher.acknowledged[0], from: second).status == 202)
                #expect(try await pusher.push(1000, to: second).status == 201)
                await second.stop(signal)
                let third = try await RunningServer(program, prefix: mount.prefix)
                try await pusher.expectAll(on: third, "after another restart")
                #expect(await third.stop(SIGTERM).status == 0)
            }
        }
    }

    @Test("is named where not even the start has room, and nothing is lost by trying")
    func refusal() async throws {
        try await Program.with { program in
            try await PrivateMount.with(program, Self.mount) { mount in
                let pusher = BlobPusher(program)
                let first = try await RunningServer(program, prefix: mount.prefix)
                _ = try await pusher.push(100_000, to: first)
                await first.stop(SIGTERM)
                try await mount.shell("rm $STORAGE/berth.reserve")
                #expect(try await mount.shell(Self.brim).output.contains("100%"))
                for command in ["serve", "list"] {
                    let outcome = try await mount.run(command, "--storage", program.storage.path)
                    #expect(outcome.status == 1)
                    #expect(outcome.errors.contains("no space left"), "\(outcome.errors)")
                }
                try await mount.shell(Self.room)
                let second = try await RunningServer(program, prefix: mount.prefix)
                try await pusher.expectAll(on: second, "when there is room again")
                #expect(await second.stop(SIGTERM).status == 0)
            }
        }
    }
}
