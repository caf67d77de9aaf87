import Foundation
import Testing

/// The registry as a store of executables: what curl has sent, curl gets back.
@Suite("curl, the other way")
struct WayBackTests {
    @Test("gets a program back byte for byte, in parts too, and asks what it is")
    func download() async throws {
        try await Program.with { program in
            let executable = try await program.compileStatic("app")
            try await program.withServer { server in
                let url = "\(server.url)/team/app:1.0"
                let sent = try await program.tool("curl", "-sS", "--fail", "-T", executable.path, url)
                #expect(sent.status == 0, "\(sent.errors)")

                let whole = try await program.tool("curl", "-sS", "--fail", "-o", "back", "\(url)?file")
                #expect(whole.status == 0, "\(whole.errors)")
                #expect(try await program.tool("cmp", "back", executable.path).status == 0)

                // What broke off goes on where it stands.
                let half = try Data(contentsOf: executable).prefix(300_001)
                try half.write(to: program.folder.appending(path: "rest"))
                let rest = try await program.tool(
                    "curl",
                    "-sS",
                    "--fail",
                    "-C",
                    "-",
                    "-o",
                    "rest",
                    "-w",
                    "%{http_code}",
                    "\(url)?file"
                )
                #expect(rest.output == "206", "\(rest.errors)")
                #expect(try await program.tool("cmp", "rest", executable.path).status == 0)

                // The name that the reply proposes, and a second download that finds nothing new.
                let named = try await ChildProcess.run(
                    "curl",
                    ["-sS", "--fail", "--create-dirs", "--output-dir", "named", "-OJ"]
                        + ["\(url)?file&platform=linux/amd64"],
                    in: program.folder
                )
                #expect(named.status == 0, "\(named.errors)")
                #expect(try await program.tool("cmp", "named/app", executable.path).status == 0)
                let etag = [
                    "curl", "-sS", "--etag-save", "tag", "--etag-compare", "tag", "-o", "cached", "-w",
                    "%{http_code}",
                ]
                for status in ["200", "304"] {
                    let reply = try await ChildProcess.run("env", etag + ["\(url)?file"], in: program.folder)
                    #expect(reply.output == status, "\(reply.errors)")
                }

                let head = try await program.tool("curl", "-sSI", "\(url)?file")
                let size = try Data(contentsOf: executable).count
                #expect(head.output.lowercased().contains("content-length: \(size)\r\n"), "\(head.output)")
                let sum = try await program.tool("sha256sum", executable.path)
                let digest = String(sum.output.prefix(64))
                #expect(head.output.lowercased().contains("etag: \"sha256:\(digest)\"\r\n"), "\(head.output)")
                let none = try await program.tool("curl", "-sS", "\(url)?file&platform=linux/arm64")
                #expect(none.output == "berth: this is no image for linux/arm64; it is for linux/amd64\n")
            }
        }
    }

    @Test("says of an image what berth inspect says, and removes its tag")
    func inspectAndDelete() async throws {
        try await Program.with { program in
            let executable = try await program.compileStatic("app")
            try await program.withServer { server in
                let url = "\(server.url)/team/app"
                _ = try await program.tool("curl", "-sS", "--fail", "-T", executable.path, url)
                let storage = program.storage.path
                let text = try await program.tool("curl", "-sS", url)
                #expect(text.output.contains("docker pull localhost:\(server.port)/team/app:latest\n"))
                #expect(text.output.contains("curl -o app '\(url):latest?file'\n"), "\(text.output)")
                let inspected = try await program.run("inspect", "--storage", storage, "team/app")
                #expect(inspected.output == text.output)
                let json = try await program.tool("curl", "-sS", "-H", "Accept: application/json", url)
                let inspectedJSON = try await program.run(
                    "inspect",
                    "--json",
                    "--storage",
                    storage,
                    "team/app"
                )
                #expect(inspectedJSON.output == json.output)
                let wrong = try await program.run(
                    "inspect",
                    "--platform",
                    "linux/arm64",
                    "--storage",
                    storage,
                    "team/app"
                )
                #expect(
                    wrong.status == 1 && wrong.errors.contains("it is for linux/amd64"),
                    "\(wrong.errors)"
                )

                let head = try await program.tool("curl", "-sSI", url)
                #expect(head.output.hasPrefix("HTTP/1.1 200 OK\r\n"))
                #expect(head.output.lowercased().contains("docker-content-digest: sha256:"))

                let removed = try await program.tool("curl", "-sS", "-X", "DELETE", "-w", "%{http_code}", url)
                #expect(removed.output.hasPrefix("removed the tag team/app:latest;"), "\(removed.output)")
                #expect(removed.output.hasSuffix("\n202"))
                let gone = try await program.tool("curl", "-sS", "-w", "%{http_code}", url)
                #expect(gone.output.hasPrefix("berth: there is no tag latest in team/app"), "\(gone.output)")
                #expect(gone.output.hasSuffix("\n404"))
            }
        }
    }
}
