import Foundation
import OCI

@testable import Packager

/// The smallest static executable for amd64, with anything behind its headers.
func staticExecutable(_ payload: [UInt8]) -> [UInt8] {
    func number(_ value: some FixedWidthInteger) -> [UInt8] {
        withUnsafeBytes(of: value.littleEndian) { Array($0) }
    }
    let address: UInt64 = 0x40_0000
    let size = UInt64(120 + payload.count)
    var file: [UInt8] = [0x7F, 0x45, 0x4C, 0x46, 2, 1, 1, 0] + [UInt8](repeating: 0, count: 8)
    file += number(UInt16(2)) + number(UInt16(62)) + number(UInt32(1)) + number(address)
    file += number(UInt64(64)) + number(UInt64(0)) + number(UInt32(0))
    file += number(UInt16(64)) + number(UInt16(56)) + number(UInt16(1)) + [UInt8](repeating: 0, count: 6)
    file += number(UInt32(1)) + number(UInt32(5)) + number(UInt64(0)) + number(address) + number(address)
    return file + number(size) + number(size) + number(UInt64(4096)) + payload
}

/// Certificates in shape only: a sequence that begins with a sequence, in the base64 that PEM wraps.
func certificateBundleText(count: Int) -> String {
    (0..<count).map { index in
        let body =
            [0x30, 0x03, 0x02, 0x01, UInt8(truncatingIfNeeded: index)]
            + compressibleBytes(count: 700, seed: UInt64(index))
        let der = [0x30, 0x82, UInt8(body.count >> 8), UInt8(body.count & 0xFF)] + body
        return pem("CERTIFICATE", der)
    }.joined()
}

/// A bundle of fixed bytes, so that digests of images can be known in advance.
func certificateBundle() throws -> CertificateBundle {
    try CertificateBundle(parsing: Array(certificateBundleText(count: 3).utf8))
}

func executableName(_ name: String) throws -> ExecutableName {
    try ExecutableName(RepositoryName(name))
}

/// What comes of packaging: all of the layer's bytes, and the image.
struct Packaged {
    let layer: [UInt8]
    let image: PackagedImage
}

/// Packages a program as a server would, in appends of given sizes.
func package(
    _ program: [UInt8],
    name: String = "team/app",
    options: [(name: String, value: String)] = [],
    with packager: Packager,
    appendSizes: () -> Int = { 65_536 }
) async throws -> Packaged {
    let options = try PackagingOptions(options)
    let request = ImageRequest(
        name: try options.name ?? executableName(name),
        options: options,
        size: UInt64(program.count)
    )
    var builder = packager.begin(request)
    var layer: [UInt8] = []
    var start = 0
    while start < program.count {
        let end = min(program.count, start + appendSizes())
        for chunk in try await builder.append(Array(program[start..<end])) { layer += chunk }
        start = end
    }
    let (rest, image) = try await builder.finish(digest: Digest(of: program)) { range in
        Array(program[Int(range.lowerBound)..<Int(range.upperBound)])
    }
    for chunk in rest { layer += chunk }
    return Packaged(layer: layer, image: image)
}

func pem(_ label: String, _ der: [UInt8]) -> String {
    let base64 = Data(der).base64EncodedString(options: [.lineLength64Characters, .endLineWithLineFeed])
    return "-----BEGIN \(label)-----\n\(base64)\n-----END \(label)-----\n"
}
