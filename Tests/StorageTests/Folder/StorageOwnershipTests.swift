import Foundation
import OCI
import TestSupport
import Testing

@testable import Storage

@Suite("The owner of a storage folder")
struct StorageOwnershipTests {
    @Test("makes the folder, and writes down who it is and where it listens")
    func acquire() throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let ownership = try StorageOwnership.acquire(folder.file("a/b"))
        #expect(ownership.folder == folder.file("a/b"))
        #expect(ownership.socketPath == folder.file("a/b/berth.sock"))
        let text = try Data(contentsOf: URL(filePath: folder.file("a/b/berth.lock")))
        let document = try #require(JSONSerialization.jsonObject(with: text) as? [String: Any])
        #expect(document["pid"] as? Int32 == getpid())
        #expect(document["socket"] as? String == ownership.socketPath)
        let holder = try #require(StorageOwnership.holder(of: folder.file("a/b")))
        #expect(holder.pid == getpid())
        #expect(holder.socketPath == ownership.socketPath)
        withExtendedLifetime(ownership) {}
    }

    @Test("is one: the next is told who has it")
    func held() throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        do {
            let ownership = try StorageOwnership.acquire(folder.path)
            let error = #expect(throws: StorageOwnershipError.self) {
                _ = try StorageOwnership.acquire(folder.path)
            }
            guard case .held(folder.path, let holder) = error else {
                Issue.record("it was \(String(describing: error))")
                return
            }
            #expect(holder.pid == getpid())
            #expect(error.map { "\($0)".contains("process \(getpid())") } == true)
            withExtendedLifetime(ownership) {}
        }
        _ = try StorageOwnership.acquire(folder.path)
        #expect(Self.becomesFree(folder.path))
    }

    /// Whether nobody holds a folder any more.
    ///
    /// A process that another test starts has this one's lock too, between its fork and its exec.
    static func becomesFree(_ path: String) -> Bool {
        let end = ContinuousClock.now + .seconds(10)
        while StorageOwnership.holder(of: path) != nil {
            if ContinuousClock.now > end { return false }
            sched_yield()
        }
        return true
    }

    @Test("stays the only one where somebody removes its files")
    func withoutLockFile() throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let ownership = try StorageOwnership.acquire(folder.path)
        try FileManager.default.removeItem(atPath: folder.file("berth.lock"))
        let error = #expect(throws: StorageOwnershipError.self) {
            _ = try StorageOwnership.acquire(folder.path)
        }
        #expect(error.map { "\($0)".contains("in use by") } == true)
        withExtendedLifetime(ownership) {}
    }

    @Test("writes nothing once its folder is elsewhere, and leaves alone who is there instead")
    func movedFolder() async throws {
        try await withTemporaryFolder { folder in
            let (path, moved) = (folder.file("storage"), folder.file("moved"))
            let (before, after) = (BlobFixture("before"), BlobFixture("after"))
            try await FolderScene.with(path, ending: .crash) { scene in
                try await scene.push(before, to: scene.app)
                try FileManager.default.moveItem(atPath: path, toPath: moved)
                await #expect(throws: StorageError.self) { try await scene.push(after, to: scene.app) }
                try await FolderScene.with(path) { other in
                    try await other.push(after, to: other.app)
                    let error = await #expect(throws: StorageError.self) {
                        try await scene.push(BlobFixture("lost"), to: scene.app)
                    }
                    #expect(error.map { "\($0)".contains("was moved or replaced") } == true)
                    #expect(try await other.pull(after, from: other.app) == after.bytes)
                }
            }
            try await FolderScene.with(moved) { scene in
                try await scene.expectWhole()
                #expect(try await scene.pull(before, from: scene.app) == before.bytes)
            }
        }
    }

    @Test("is the same by any path to the folder")
    func paths() throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        try FileManager.default.createDirectory(
            atPath: folder.file("real"),
            withIntermediateDirectories: true
        )
        try FileManager.default.createSymbolicLink(atPath: folder.file("link"), withDestinationPath: "real")
        let ownership = try StorageOwnership.acquire(folder.file("link/"))
        #expect(ownership.folder == folder.file("real"))
        for path in ["real", "link", "real/", "link/../real/.", "//real"] {
            #expect(throws: StorageOwnershipError.self) {
                _ = try StorageOwnership.acquire(folder.file(path))
            }
            #expect(StorageOwnership.holder(of: folder.file(path))?.pid == getpid())
        }
        withExtendedLifetime(ownership) {}
    }

    @Test("is nobody where there is no folder, no lock file or no lock")
    func noHolder() throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        #expect(StorageOwnership.holder(of: folder.file("nowhere")) == nil)
        #expect(StorageOwnership.holder(of: folder.path) == nil)
        try Data(#"{"pid":1,"socket":"/x"}"#.utf8).write(to: URL(filePath: folder.file("berth.lock")))
        #expect(StorageOwnership.holder(of: folder.path) == nil)
        #expect(!FileManager.default.fileExists(atPath: folder.file("nowhere")))
    }

    @Test("cannot be of what is no folder", arguments: ["file", "file/below", "dangling", "dangling/below"])
    func unusable(_ name: String) throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        try Data().write(to: URL(filePath: folder.file("file")))
        try FileManager.default.createSymbolicLink(
            atPath: folder.file("dangling"),
            withDestinationPath: folder.file("nowhere")
        )
        let error = #expect(throws: StorageOwnershipError.self) {
            _ = try StorageOwnership.acquire(folder.file(name))
        }
        guard case .unusable(_, let code) = error else {
            Issue.record("it was \(String(describing: error))")
            return
        }
        #expect(code == (name.hasPrefix("file") ? ENOTDIR : ENOENT))
    }

    @Test("is one of many that try at the same time")
    func race() async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let owners = await withTaskGroup(of: StorageOwnership?.self) { group in
            for _ in 0..<8 { group.addTask { try? StorageOwnership.acquire(folder.path) } }
            return await group.reduce(into: []) { owners, owner in if let owner { owners.append(owner) } }
        }
        #expect(owners.count == 1)
        withExtendedLifetime(owners) {}
    }

    @Test("is not kept out by those who only look who it is")
    func lookers() async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let isDone = Shared(false)
        try await withThrowingTaskGroup { group in
            group.addTask {
                while !isDone.value {
                    _ = StorageOwnership.holder(of: folder.path)
                    await Task.yield()
                }
            }
            defer { isDone.update { $0 = true } }
            for _ in 0..<500 { _ = try StorageOwnership.acquire(folder.path) }
        }
    }
}

// MARK: Other processes

extension StorageOwnershipTests {
    /// A process that holds a folder's lock, as another server would, until it is killed.
    struct OtherOwner {
        private let process = Process()
        private let input = Pipe()

        var pid: Int32 { process.processIdentifier }

        init(of folder: TemporaryFolder, writing document: String) throws {
            let output = Pipe()
            process.executableURL = URL(filePath: "/usr/bin/flock")
            // Without a fork: the process that has the lock is the one that is killed.
            process.arguments = [
                "--no-fork", "--exclusive", folder.file("berth.lock"), "/bin/sh", "-c",
                "printf '%s' \"$2\" | sed \"s/PID/$$/\" > \"$1\"; echo ready; exec cat", "sh",
                folder.file("berth.lock"), document,
            ]
            process.standardInput = input
            process.standardOutput = output
            try process.run()
            let greeting = try output.fileHandleForReading.read(upToCount: 6)
            #expect(greeting == Data("ready\n".utf8))
        }

        func kill() {
            Foundation.kill(pid, SIGKILL)
            process.waitUntilExit()
        }
    }

    @Test("is named, and leaves the folder free the moment it is killed")
    func killed() throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let owner = try OtherOwner(of: folder, writing: #"{"pid":PID,"socket":"/run/x.sock"}"#)
        let holder = try #require(StorageOwnership.holder(of: folder.path))
        #expect(holder.pid == owner.pid)
        #expect(holder.socketPath == "/run/x.sock")
        #expect(throws: StorageOwnershipError.held(folder: folder.path, by: holder)) {
            _ = try StorageOwnership.acquire(folder.path)
        }
        // It had no time to clear up.
        try Data().write(to: URL(filePath: folder.file("berth.sock")))
        owner.kill()
        #expect(StorageOwnership.holder(of: folder.path) == nil)
        let ownership = try StorageOwnership.acquire(folder.path)
        #expect(StorageOwnership.holder(of: folder.path)?.pid == getpid())
        withExtendedLifetime(ownership) {}
    }

    @Test(
        "is refused all the same where the lock file does not say who it is",
        arguments: ["", "{", "x", #"{"pid":"1"}"#, #"{"socket":"/x"}"#]
    )
    func unnamed(_ document: String) throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let owner = try OtherOwner(of: folder, writing: document)
        defer { owner.kill() }
        let error = #expect(throws: StorageOwnershipError.self) {
            _ = try StorageOwnership.acquire(folder.path)
        }
        guard case .held(_, let holder) = error else {
            Issue.record("it was \(String(describing: error))")
            return
        }
        #expect(holder.pid == nil && holder.socketPath == nil)
        #expect(error.map { "\($0)".contains("in use") } == true)
    }
}

// MARK: Sockets

extension StorageOwnershipTests {
    @Test("listens in the folder where that makes an address, and in a private folder where it does not")
    func socketPath() throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let suffix = "/berth.sock".utf8.count
        let longest = "/" + String(repeating: "x", count: SocketPath.maximumLength - suffix - 1)
        #expect(try SocketPath.choose(for: longest, runtimeFolder: folder.path) == longest + "/berth.sock")

        let long = longest + "x"
        let path = try SocketPath.choose(for: long, runtimeFolder: folder.path)
        #expect(path.hasPrefix(folder.file("berth/")))
        #expect(path.utf8.count <= SocketPath.maximumLength)
        #expect(try SocketPath.choose(for: long, runtimeFolder: folder.path) == path)
        #expect(try SocketPath.choose(for: long + "y", runtimeFolder: folder.path) != path)
        let attributes = try FileManager.default.attributesOfItem(atPath: folder.file("berth"))
        #expect(attributes[.posixPermissions] as? Int == 0o700)
    }

    @Test("refuses a folder for its socket that others can enter, or that is none")
    func socketFolder() throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let long = "/" + String(repeating: "x", count: 200)
        try FileManager.default.createDirectory(
            atPath: folder.file("berth"),
            withIntermediateDirectories: false,
            attributes: [.posixPermissions: 0o755]
        )
        #expect(throws: StorageOwnershipError.self) {
            _ = try SocketPath.choose(for: long, runtimeFolder: folder.path)
        }
        try FileManager.default.removeItem(atPath: folder.file("berth"))
        try FileManager.default.createDirectory(
            atPath: folder.file("else"),
            withIntermediateDirectories: false,
            attributes: [.posixPermissions: 0o700]
        )
        try FileManager.default.createSymbolicLink(atPath: folder.file("berth"), withDestinationPath: "else")
        #expect(throws: StorageOwnershipError.self) {
            _ = try SocketPath.choose(for: long, runtimeFolder: folder.path)
        }
    }

    @Test(
        "goes to /tmp where the session has no usable folder",
        arguments: [nil, "", "relative", "/nowhere/at/all", "/" + String(repeating: "./", count: 60)]
    )
    func noRuntimeFolder(_ runtimeFolder: String?) throws {
        let long = "/" + String(repeating: "x", count: 200)
        let path = try SocketPath.choose(for: long, runtimeFolder: runtimeFolder)
        #expect(path.hasPrefix("/tmp/berth-\(getuid())/"))
    }

    @Test("of a folder with a long path says in the lock file where it listens")
    func longFolder() throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let path = folder.file(String(repeating: "long/", count: 30) + "end")
        let ownership = try StorageOwnership.acquire(path)
        #expect(ownership.folder == path)
        #expect(!ownership.socketPath.hasPrefix(path))
        #expect(ownership.socketPath.utf8.count <= SocketPath.maximumLength)
        #expect(StorageOwnership.holder(of: path)?.socketPath == ownership.socketPath)
    }
}
