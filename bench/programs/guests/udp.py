"""Sends each datagram back, IPv4 and IPv6."""
import socket

udp = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
udp.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
udp.bind(("::", 7))
while True:
    data, sender = udp.recvfrom(2000)
    udp.sendto(data, sender)
