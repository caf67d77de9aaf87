import Glibc
import NIOCore

/// Who a connection comes from, as far as that can be told without accounts.
enum ClientIdentity {
    /// The address; of an IPv6 address the first half, since whoever has one has all of those.
    ///
    /// A command on the socket beside the storage folder is nobody else than this machine.
    static func of(_ address: SocketAddress?) -> String { of(ipAddress: address?.ipAddress) }

    static func of(ipAddress: String?) -> String {
        guard let ipAddress else { return local }
        // An address of the link has its interface behind it.
        let plain = String(ipAddress.prefix { $0 != "%" })
        var bytes = [UInt8](repeating: 0, count: 16)
        guard inet_pton(AF_INET6, plain, &bytes) == 1 else { return ipAddress }
        let isIPv4 = bytes.prefix(12).elementsEqual([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF])
        return isIPv4
            ? bytes.suffix(4).map(String.init).joined(separator: ".")
            : bytes.prefix(8).map { String($0, radix: 16) }.joined(separator: ":")
    }

    static let local = "local"
}
