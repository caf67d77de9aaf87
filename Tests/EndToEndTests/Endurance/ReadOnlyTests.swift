import Foundation
import Testing

@Suite("A folder that cannot be written to", .enabled(if: PrivateMount.isPermitted, PrivateMount.reason))
struct ReadOnlyTests {
    /// Over the folder as the server sees it from then on; what it has open stays as it is.
    private static let mount = """
        mount --bind $STORAGE $STORAGE && mount -o remount,ro,bind $STORAGE
        """

    @Test("refuses pushes and says why, serves what is there, and takes pushes when it can again")
    func whileItRuns() async throws {
        try await Program.with { program in
            try await PrivateMount.with(program, "true") { mount in
                let pusher = BlobPusher(program)
                let server = try await RunningServer(program, prefix: mount.prefix)
                for size in [1000, 100_000] { #expect(try await pusher.push(size, to: server).status == 201) }
                #expect(try await mount.shell(Self.mount).status == 0)
                let refused = try await pusher.push(1000, to: server)
                #expect(refused.status == 500)
                #expect(refused.body.contains("the storage folder cannot be written to"))
                try await pusher.expectAll(on: server, "when it cannot be written to")
                #expect(try await pusher.ask("\(server.url)/v2/_catalog").status == 200)
                #expect(try await mount.shell("umount --lazy $STORAGE").status == 0)
                #expect(try await pusher.push(1000, to: server).status == 201)
                #expect(await server.stop(SIGTERM).status == 0)
                let again = try await RunningServer(program, prefix: mount.prefix)
                try await pusher.expectAll(on: again, "after a restart")
                #expect(await again.stop(SIGTERM).status == 0)
            }
        }
    }

    @Test("is refused at the start, by a server and by a command, with the reason")
    func atStart() async throws {
        try await Program.with { program in
            let pusher = BlobPusher(program)
            try await program.withServer { server in _ = try await pusher.push(1000, to: server) }
            try await PrivateMount.with(program, Self.mount) { mount in
                for command in ["serve", "list"] {
                    let outcome = try await mount.run(command, "--storage", program.storage.path)
                    #expect(outcome.status == 1)
                    #expect(outcome.errors.contains(program.storage.path), "\(outcome.errors)")
                    #expect(outcome.errors.contains("Read-only file system"), "\(outcome.errors)")
                }
            }
            try await program.withServer {
                try await pusher.expectAll(on: $0, "when it can be written to again")
            }
        }
    }
}
